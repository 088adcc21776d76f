"""The options of ``dagster create``: the same in the command, the registry and the Deployer."""

from __future__ import annotations

import json
import re
from dataclasses import fields
from inspect import getdoc
from pathlib import Path
from typing import Any

import pytest
from metaflow.plugins.datastores.local_storage import LocalStorage

from metaflow_extensions.dagster.cli.create_command import create
from metaflow_extensions.dagster.deploy.registry import Deployment, Registry
from metaflow_extensions.dagster.deployer.dagster_deployer import DagsterDeployer
from metaflow_extensions.dagster.plan.options import CreateOptions

# What concerns one call only.
ONE_CALL = {"file", "force", "origin_run_id", "as_json", "deployer_attribute_file"}
TOKENS = {"authorize", "generate_new_token", "new_token"}
SOME = CreateOptions(
    name="nightly",
    tags=("a", "b"),
    decospecs=("retry",),
    max_workers=3,
    pools=("train:gpu",),
    schedule_on=False,
)


def test_each_option_of_the_command_has_its_field_and_default() -> None:
    command: Any = create
    defaults = {
        option.name: () if getattr(option, "multiple", False) else option.default
        for option in command.params
        if option.name not in ONE_CALL | TOKENS
    }
    assert defaults == vars(CreateOptions())


def test_the_deployer_describes_each_option() -> None:
    text = str(getdoc(DagsterDeployer.create))  # Python 3.13 takes the indentation away itself
    described = {field.name for field in fields(CreateOptions)} - {"name"}  # of the Deployer itself
    assert [
        n
        for n in sorted(described | TOKENS | {"file", "force"})
        if not re.search(f"^{n} : ", text, re.MULTILINE)
    ] == []


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    return Registry(LocalStorage(str(tmp_path)))


def test_the_registry_gives_options_back_as_they_were(registry: Registry) -> None:
    deployment = Deployment("nightly", "Tiny", "/defs.py", user="ada", options=SOME)
    registry.save(deployment)
    assert registry.get("nightly") == deployment


@pytest.mark.parametrize(
    ("record", "options"),
    [
        ({}, CreateOptions()),
        ({"options": {}}, CreateOptions()),
        (
            # As 0.1.0 wrote it: the job's name has another key, and the command is there too.
            {
                "options": {
                    "job_name": "nightly",
                    "tags": ["a"],
                    "executor": "in_process",
                    "max_workers": None,
                    "regenerate": "",
                    "decospecs": ["retry"],
                    "emit_events": True,
                }
            },
            CreateOptions(
                tags=("a",), executor="in_process", decospecs=("retry",), emit_events=True
            ),
        ),
    ],
)
def test_records_of_other_versions_load(
    registry: Registry, tmp_path: Path, record: dict[str, Any], options: CreateOptions
) -> None:
    content = {"name": "nightly", "flow_name": "Tiny", "definitions_file": "", "user": "ada"}
    path = tmp_path / "dagster" / "deployments" / "nightly.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({**content, **record}))
    deployment = registry.get("nightly")
    assert deployment is not None
    assert deployment.options == options
