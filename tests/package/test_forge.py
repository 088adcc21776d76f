"""What the forge runs: the files can be read, and name what is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_workflow(path):
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    workflow = yaml.safe_load(path.read_text())
    assert workflow["permissions"] == {"contents": "read"}, "more only where a job needs it"
    for name, job in workflow["jobs"].items():
        if called := job.get("uses"):
            assert (ROOT / called).exists(), name
            continue
        assert job["timeout-minutes"], name
        for step in job["steps"]:
            if step.get("uses", "").startswith("actions/checkout@"):
                assert step["with"]["persist-credentials"] is False, name
            for target in re.findall(r"\bmake ([a-z-]+)", step.get("run", "")):
                assert target in targets, f"{name}: make {target}"
            for test in re.findall(r"\btests/\w+", step.get("run", "")):
                assert (ROOT / test).exists(), f"{name}: {test}"


def test_each_change_is_checked_in_every_way():
    jobs = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text())["jobs"]
    assert jobs.keys() == {"lint", "tests", "floor", "browser", "docs", "package"}


def test_only_publishing_may_ask_for_an_identity():
    jobs = yaml.safe_load((ROOT / ".github/workflows/release.yml").read_text())["jobs"]
    asking = [name for name, job in jobs.items() if "permissions" in job]
    assert asking == ["publish"]
    assert jobs["publish"]["permissions"] == {"id-token": "write"}
    assert jobs["publish"]["environment"] == "pypi"


def test_other_files_can_be_read():
    others = [ROOT / ".pre-commit-config.yaml", ROOT / ".github" / "dependabot.yml"]
    for path in [*others, *(ROOT / ".github" / "ISSUE_TEMPLATE").iterdir()]:
        assert yaml.safe_load(path.read_text()), path
