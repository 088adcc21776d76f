"""Dagster on the cluster: its instance there, and what ``create`` is told for steps in pods."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.kubernetes_api import Cluster

from .conftest import KEYS

IMAGE = f"python:{sys.version_info[0]}.{sys.version_info[1]}"


def configure(home: Path, cluster: Cluster, env: Mapping[str, str], **config: Any) -> None:
    """Have the Dagster of a folder launch runs as pods; it and the pods share a disk.

    Args:
        home: Its DAGSTER_HOME.
        env: What pods have in their environment; AWS's keys are in a secret.
        config: Of dagster-k8s's run launcher, beside what all need.
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
        **config,
    }
    launcher = {"module": "dagster_k8s", "class": "K8sRunLauncher", "config": config}
    at_once = {"module": "dagster._core.run_coordinator", "class": "DefaultRunCoordinator"}
    settings = {"telemetry": {"enabled": False}, "run_launcher": launcher}
    settings["run_coordinator"] = at_once
    (home / "dagster.yaml").write_text(yaml.safe_dump(settings))
    cluster.config_map("dagster-instance", **{"dagster.yaml": yaml.safe_dump(settings)})


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
