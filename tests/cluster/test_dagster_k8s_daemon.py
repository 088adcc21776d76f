"""Dagster's daemon and runs in pods: what becomes of a run whose pod is lost."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support.kubernetes_api import Cluster
from support.processes import end, wait_for
from support.project import Project

from . import troubled
from .dagster_pods import launch, step_pods
from .dagster_pods import project as project

pytestmark = pytest.mark.slow

RUNS = """
import json
from dagster import DagsterInstance
with DagsterInstance.get() as instance:
    records = instance.get_run_records(ascending=True)
    runs = [record.dagster_run for record in records]
    print(json.dumps([[run.status.value, run.tags.get("metaflow/run_id")] for run in runs]))
"""


@pytest.fixture
def settings() -> dict[str, Any]:
    """A daemon that sees when a run's pod is lost, and tries the run again."""
    return {
        "run_monitoring": {"enabled": True, "poll_interval_seconds": 1},
        "run_retries": {"enabled": True, "max_retries": 1},
    }


@pytest.fixture
def daemon(project: Project) -> Iterator[Callable[[], None]]:
    command = [
        str(Path(sys.executable).with_name("dagster-daemon")),
        "run",
        "-f",
        str(project.folder / "defs.py"),
    ]
    process = None

    def start() -> None:
        nonlocal process
        with (project.folder / "daemon.log").open("wb") as log:
            process = subprocess.Popen(
                command,
                cwd=project.folder,
                env=project.env,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    yield start
    if process:
        end(process)


@pytest.mark.parametrize("steps", ["in the pod of the run", "in pods"])
def test_a_run_whose_pod_is_lost_is_tried_again_by_the_daemon(
    project: Project, cluster: Cluster, daemon: Callable[[], None], steps: str
) -> None:
    options = ["--executor=in_process"]
    if steps == "in pods":
        # With the pod of its run, a step's pod goes too: else it would go on beside the new one.
        options = step_pods(cluster, enable_owner_references=True)
    troubled.deploy(project, "resources(cpu=1)", "USER", lasts=9, options=options)
    assert runs(project) == []  # makes the instance, which two processes must not do at once
    daemon()
    launch(project, "Troubled")
    wait_for("the task", lambda: any("attempt" in cluster.said(p) for p in cluster.running()), 200)
    (run,) = (pod for pod in cluster.running() if component(pod) == "run_worker")
    (project.folder / "go").touch()
    cluster.vanish(run)
    wait_for("the end of the last run", lambda: runs(project)[-1][0] == "SUCCESS", 200)
    (first, metaflow_run), (second, continued) = runs(project)
    assert (first, second) == ("FAILURE", "SUCCESS")
    assert continued == metaflow_run
    wait_for("the end of the pods", lambda: not cluster.running(), 60)
    assert not cluster.unfinished_jobs()
    run = f"Run('Troubled/{metaflow_run}')"
    assert project.query(f"{run}.successful") is True
    assert project.query(f"[task.id for task in {run}['start']]") == ["start"]


def runs(project: Project) -> list[list[str]]:
    """How each run of the instance is, and its run of Metaflow, in the order of their making."""
    return json.loads(project.run(sys.executable, "-c", RUNS).stdout)


def component(pod: Any) -> str:
    return pod["metadata"]["labels"].get("app.kubernetes.io/component", "")
