"""Heartbeats of a run whose tasks are on other hosts: while it has a task, it beats."""

from __future__ import annotations

import time

import pytest
from differential import runs
from differential.cases import Case
from support.remote import Service

from .hosts import Site
from .stores import Store

pytestmark = pytest.mark.slow


@pytest.fixture
def disk(site: Site, reader: runs.Reader, service: Service) -> Store:
    """The folder that all hosts share, with the metadata in a service."""
    options = ("--metadata=service", *site.disk(reader).options[1:])
    metadata, env = f"service@{service.url}", {"METAFLOW_SERVICE_URL": service.url}
    return Store("service", str(site.shared), reader, metadata, options, env)


@pytest.mark.parametrize("engine", ["dask", "celery"])
def test_a_run_on_other_hosts_beats_while_it_has_a_task(engine, request, execute, check, service):
    cluster = request.getfixturevalue(engine)
    case = Case("lasting")
    execution = execute(case, cluster)
    ages: list[float] = []
    deadline = time.monotonic() + 300
    while execution.process.poll() is None:
        assert time.monotonic() < deadline, "the run did not end"
        began = [
            path.stat().st_mtime
            for worker in cluster.workers
            for path in worker.folder.glob("lasting-*")
        ]
        # A task that has left its file sleeps for 4 s; its op has begun to beat before.
        if any(time.time() - when < 3.5 for when in began):
            (run,) = service.get(f"/flows/{case.flow_class}/runs")
            ages.append(time.time() - run["last_heartbeat_ts"])
        time.sleep(0.2)
    check(case, execution)
    assert ages
    assert max(ages) < 6  # a service counts a run as dead when six heartbeats are missing

    (run,) = service.get(f"/flows/{case.flow_class}/runs")
    time.sleep(3)
    assert service.get(f"/flows/{case.flow_class}/runs") == [run]  # no worker beats any more
