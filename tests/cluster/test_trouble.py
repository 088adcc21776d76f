"""Pods that come to grief under a Dagster run, and runs that are cancelled or killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from support.kubernetes_api import Cluster
from support.processes import end, wait_for
from support.project import Project

pytestmark = pytest.mark.slow

FLOW = """
import os, time
from metaflow import FlowSpec, Parameter, current, kubernetes, retry, step

class Troubled(FlowSpec):
    @step
    def start(self):
        self.next(self.work)

    @retry(times=1, minutes_between_retries=0)
    @kubernetes(OPTIONS)
    @step
    def work(self):
        print("attempt", current.retry_count, "in", os.environ["METAFLOW_KUBERNETES_POD_NAME"])
        self.attempt = current.retry_count
        if current.retry_count < LASTS:
            time.sleep(600)
        self.next(self.end)

    @step
    def end(self):
        pass

if __name__ == "__main__":
    Troubled()
"""


@pytest.fixture
def project(tmp_path: Path, env: dict[str, str]) -> Project:
    (tmp_path / "project").mkdir()
    project = Project(tmp_path / "project")
    project.env |= env
    return project


def deploy(project: Project, options: str = "", lasts: int = 1) -> None:
    project.deploy(FLOW.replace("OPTIONS", options).replace("LASTS", str(lasts)))


def running(cluster: Cluster) -> dict:
    """The pod that runs the user's code, once it does."""

    def has_begun() -> list:
        return [pod for pod in cluster.running() if "attempt" in cluster.said(pod)]

    return wait_for("the start of the pod", has_begun)[0]


def succeeds(project: Project, run: subprocess.Popen[bytes]) -> None:
    try:
        assert run.wait(timeout=200) == 0, (project.folder / "log").read_text()[-5000:]
    finally:
        end(run)


def nothing_is_left(cluster: Cluster) -> bool:
    return not cluster.running() and not cluster.unfinished_jobs()


@pytest.mark.parametrize("trouble", ["vanish", "evict"])
def test_a_pod_that_is_lost_is_tried_again(
    cluster: Cluster, project: Project, trouble: str
) -> None:
    deploy(project)
    run = project.start("Troubled")
    getattr(cluster, trouble)(running(cluster))
    succeeds(project, run)
    task = "Flow('Troubled').latest_run['work'].task"
    assert project.query(f"[{task}['attempt'].data, {task}.current_attempt]") == [1, 1]
    log = (project.folder / "log").read_text()
    assert "STEP_UP_FOR_RETRY" in log
    if trouble == "evict":
        assert "low on resource" in log
    assert nothing_is_left(cluster)


def test_a_pod_that_cannot_start_starts_when_it_can(cluster: Cluster, project: Project) -> None:
    deploy(project, "image='late:1', node_selector={'disk': 'ssd'}", lasts=0)
    run = project.start("Troubled")
    (pod,) = wait_for("a pod", cluster.pods)
    name = pod["metadata"]["name"]

    def state() -> str:
        return str(cluster.store.get("pods", "default", name)["status"])

    wait_for("that it cannot be scheduled", lambda: "Unschedulable" in state())
    cluster.node.labels["disk"] = "ssd"
    wait_for("that its image is not there", lambda: "ImagePullBackOff" in state())
    cluster.node.images["late:1"] = next(iter(cluster.node.images.values()))
    succeeds(project, run)
    assert nothing_is_left(cluster)


@pytest.mark.parametrize("may_exec", [True, False])
def test_no_pod_survives_a_cancelled_run(
    cluster: Cluster, project: Project, may_exec: bool
) -> None:
    cluster.may_exec = may_exec
    deploy(project)
    run = project.start("Troubled")
    pod = running(cluster)
    said = "attempt 0 in " + pod["metadata"]["name"]
    logs = project.folder / "dagster_home" / "storage"
    # It streams to Dagster while the pod runs.
    wait_for(
        "the pod's line in Dagster",
        lambda: any(said in path.read_text() for path in logs.rglob("*.out")),
    )
    shown = "".join(path.read_text() for path in logs.rglob("*.out"))
    assert "[MFLOG|" not in shown
    os.kill(run.pid, signal.SIGINT)
    wait_for("the end of the pod", lambda: nothing_is_left(cluster), 30)
    run.wait(timeout=60)
    assert "STEP_RESTARTED" not in (project.folder / "log").read_text()
    assert len(cluster.all_pods()) == 1


def test_a_killed_run_leaves_no_pod_and_can_be_resumed(cluster: Cluster, project: Project) -> None:
    deploy(project)
    run = project.start("Troubled")
    running(cluster)
    os.kill(run.pid, signal.SIGKILL)
    wait_for("the end of the pod", lambda: nothing_is_left(cluster), 30)
    end(run)
    flow = project.folder / "flow.py"
    flow.write_text(flow.read_text().replace("retry_count < 1", "retry_count < 0"))
    run_id = project.query("Flow('Troubled').latest_run.id")
    command = ["flow.py", "--no-pylint", "dagster", "create", "defs.py"]
    command += ["--origin-run-id", run_id]
    project.run(sys.executable, *command)
    project.execute("Troubled")
    new = "Flow('Troubled').latest_run"
    assert project.query(f"{new}.successful") is True
    assert project.query(f"{new}['start'].task.metadata_dict['origin-run-id']") == run_id
