"""Dagster on the cluster: its instance there, and what ``create`` is told for steps in pods."""

from __future__ import annotations

import json
import shutil
import sys
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from differential import runs
from differential.cases import Case
from support.kubernetes_api import Cluster
from support.processes import wait_for
from support.project import Project

from .conftest import KEYS

IMAGE = f"python:{sys.version_info[0]}.{sys.version_info[1]}"


def configure(home: Path, cluster: Cluster, env: Mapping[str, str], **more: Any) -> None:
    """Have the Dagster of a folder launch runs as pods; it and the pods share a disk.

    Args:
        home: Its DAGSTER_HOME.
        env: What pods have in their environment; AWS's keys are in a secret.
        more: Further settings of the instance.
    """
    given = {name: value for name, value in env.items() if not name.startswith("AWS_")}
    config = {
        "service_account_name": "default",
        "instance_config_map": "dagster-instance",
        "dagster_home": str(home),
        "job_image": IMAGE,
        "load_incluster_config": False,
        "kubeconfig_file": str(cluster.kubeconfig),
        "env_vars": [f"{name}={value}" for name, value in {**given, "USER": "tester"}.items()],
        "env_secrets": [KEYS],
    }
    launcher = {"module": "dagster_k8s", "class": "K8sRunLauncher", "config": config}
    at_once = {"module": "dagster._core.run_coordinator", "class": "DefaultRunCoordinator"}
    settings = {"telemetry": {"enabled": False}, "run_launcher": launcher, **more}
    settings["run_coordinator"] = at_once
    (home / "dagster.yaml").write_text(yaml.safe_dump(settings))
    cluster.config_map("dagster-instance", **{"dagster.yaml": yaml.safe_dump(settings)})


@pytest.fixture
def settings() -> dict[str, Any]:
    """Settings of the instance beside those that all tests need."""
    return {}


@pytest.fixture
def project(
    project: Project, env: dict[str, str], cluster: Cluster, settings: dict[str, Any]
) -> Project:
    """A project whose Dagster launches runs as pods; it and the pods share a disk."""
    configure(project.folder / "dagster_home", cluster, env, **settings)
    return project


@pytest.fixture
def options(cluster: Cluster) -> list[str]:
    """What ``create`` is told for steps to run in pods."""
    return step_pods(cluster)


def step_pods(cluster: Cluster, **config: Any) -> list[str]:
    """Options for steps in pods, with fields of the executor's config."""
    config = {
        "load_incluster_config": False,
        "kubeconfig_file": str(cluster.kubeconfig),
        **config,
    }
    return [
        "--executor=dagster_k8s:k8s_job_executor",
        f"--executor-config={json.dumps(config)}",
        f"--image={IMAGE}",
    ]


def step_workers(cluster: Cluster) -> list[dict[str, Any]]:
    """The pods of steps that there were."""
    return cluster.all_pods(**{"app.kubernetes.io/component": "step_worker"})


def run(project: Project, cluster: Cluster, case: Case, *options: str) -> str:
    """Deploy, launch and wait for the end. Returns the tag of the run."""
    deploy(project, case, *options)
    tag = launch(project, case.flow_class)
    wait_for("the end of the run", lambda: not cluster.unfinished_jobs(), 400)
    return tag


def deploy(project: Project, case: Case, *options: str) -> None:
    """Have the flow of a case in the project, as a job with these options."""
    for path in (case.source, runs.FLOWS / "tracing.py"):
        shutil.copy(path, project.folder)
    command = [sys.executable, case.file, "--no-pylint", "dagster", "create", "defs.py"]
    project.run(*command, *options)


def launch(project: Project, job: str) -> str:
    """Have Dagster start a run. Returns its tag."""
    tag = uuid.uuid4().hex
    project.run(
        *(sys.executable, "-m", "dagster", "job", "launch", "-f", str(project.folder / "defs.py")),
        *("-j", job, "--tags", json.dumps({"differential": tag})),
    )
    return tag
