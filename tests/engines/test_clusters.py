"""A flow on workers that share nothing with whoever submits the run but the datastore."""

from __future__ import annotations

import pytest
from differential.cases import Case
from support.processes import wait_for

from .hosts import Host

# Foreaches in foreaches, a switch, a loop, a gang, joins; each step is retried.
CASE = Case("task_retries")


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["dask", "celery"])
def test_a_run_on_other_hosts_is_a_native_run(engine, request, execute, check):
    cluster = request.getfixturevalue(engine)
    execution = execute(CASE, cluster)
    execution.wait()
    check(CASE, execution)
    assert all("op_" in worker.said() for worker in cluster.workers), "one did all the work"


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["dask", "celery"])
def test_a_step_whose_worker_dies_is_done_by_another_one(engine, request, execute, check):
    cluster = request.getfixturevalue(engine)
    # Dagster counts how often a step has begun; it is the same attempt of the same task.
    case = Case("lasting", ignore=("2 attempts in Dagster, 1 in Metaflow",))
    execution = execute(case, cluster)

    def items(host: Host) -> list[str]:
        return [path.name for path in host.folder.glob("lasting-*")]

    def busy() -> list[Host]:
        return [worker for worker in cluster.workers if items(worker)]

    victim = wait_for("the first item", busy)[0]
    victim.die()
    execution.wait()
    check(case, execution)
    (survivor,) = (worker for worker in cluster.workers if worker is not victim)
    assert set(items(victim)) < set(items(survivor))
