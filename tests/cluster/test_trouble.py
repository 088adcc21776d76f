"""Pods that come to grief under a Dagster run, and runs that are cancelled or killed."""

from __future__ import annotations

import os
import signal

import pytest
from support.kubernetes_api import Cluster
from support.processes import end, wait_for
from support.project import Project

from . import troubled
from .troubled import TASK, can_be_resumed, log, shows_while_it_runs, succeeds

pytestmark = pytest.mark.slow


def deploy(project: Project, options: str = "", lasts: int = 1) -> None:
    troubled.deploy(project, f"kubernetes({options})", "METAFLOW_KUBERNETES_POD_NAME", lasts)


def running(cluster: Cluster) -> dict:
    """The pod that runs the user's code, once it does."""

    def has_begun() -> list:
        return [pod for pod in cluster.running() if "attempt" in cluster.said(pod)]

    return wait_for("the start of the pod", has_begun)[0]


def nothing_is_left(cluster: Cluster) -> bool:
    return not cluster.running() and not cluster.unfinished_jobs()


@pytest.mark.parametrize("trouble", ["vanish", "evict"])
def test_a_pod_that_is_lost_is_tried_again(
    cluster: Cluster, project: Project, trouble: str
) -> None:
    deploy(project)
    run = project.start("Troubled")
    getattr(cluster, trouble)(running(cluster))
    succeeds(project, run, 200)
    assert project.query(f"[{TASK}['attempt'].data, {TASK}.current_attempt]") == [1, 1]
    assert "STEP_UP_FOR_RETRY" in log(project)
    if trouble == "evict":
        assert "low on resource" in log(project)
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
    succeeds(project, run, 200)
    assert nothing_is_left(cluster)


@pytest.mark.parametrize("may_exec", [True, False])
def test_no_pod_survives_a_cancelled_run(
    cluster: Cluster, project: Project, may_exec: bool
) -> None:
    cluster.may_exec = may_exec
    deploy(project)
    run = project.start("Troubled")
    pod = running(cluster)
    shows_while_it_runs(project, "attempt 0 in " + pod["metadata"]["name"])
    os.kill(run.pid, signal.SIGINT)
    wait_for("the end of the pod", lambda: nothing_is_left(cluster), 30)
    run.wait(timeout=60)
    assert "STEP_RESTARTED" not in log(project)
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
    can_be_resumed(project)
