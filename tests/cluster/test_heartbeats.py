"""Heartbeats of a run whose steps are in pods of dagster-k8s: while it has a task, it beats."""

from __future__ import annotations

import time

import pytest
from differential.cases import Case
from support.kubernetes_api import Cluster
from support.project import Project
from support.remote import Service

from .dagster_pods import deploy, launch
from .dagster_pods import options as options
from .dagster_pods import project as project
from .dagster_pods import settings as settings

pytestmark = pytest.mark.slow


@pytest.fixture
def env(env: dict[str, str], service: Service) -> dict[str, str]:
    return {**env, "METAFLOW_SERVICE_URL": service.url}


def test_a_run_in_pods_beats_while_it_has_a_task(
    project: Project, cluster: Cluster, service: Service, options: list[str]
) -> None:
    case = Case("lasting")
    deploy(project, case, *options)
    launch(project, case.flow_class)
    ages: list[float] = []
    began: dict[str, float] = {}
    deadline = time.monotonic() + 300
    while cluster.unfinished_jobs():
        assert time.monotonic() < deadline, "the run did not end"
        for pod in cluster.running():
            if "lasting: " in cluster.said(pod):
                began.setdefault(pod["metadata"]["name"], time.monotonic())
        # A task that has printed its line sleeps for 4 s; its op has begun to beat before.
        if any(time.monotonic() - when < 3.5 for when in began.values()):
            (run,) = service.get(f"/flows/{case.flow_class}/runs")
            ages.append(time.time() - run["last_heartbeat_ts"])
        time.sleep(0.2)
    assert project.query(f"Flow('{case.flow_class}').latest_run.successful") is True
    assert len(began) == 3
    assert ages
    assert max(ages) < 6  # a service counts a run as dead when six heartbeats are missing

    (run,) = service.get(f"/flows/{case.flow_class}/runs")
    log = service.log.read_text().splitlines()
    at = f"POST /flows/{case.flow_class}/runs/{run['run_number']}/"
    posts = [line for line in log if at in line and "/heartbeat " in line]
    assert all('" 200 ' in line for line in posts)
    for number in range(3):
        assert sum(f"/tasks/lasting-{number}/" in line for line in posts) >= 2
    time.sleep(3)
    assert service.get(f"/flows/{case.flow_class}/runs") == [run]  # no pod beats any more
