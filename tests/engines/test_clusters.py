"""A flow on workers that share nothing with whoever submits the run but the datastore."""

from __future__ import annotations

import json
import time
from importlib import import_module
from typing import Any

import pytest
from differential.cases import Case
from support.processes import wait_for

from .hosts import Host

# Foreaches in foreaches, a switch, a loop, a gang, joins; each step is retried.
CASE = Case("task_retries")


def items(host: Host) -> list[str]:
    """Which items of the flow `lasting` have begun on a host."""
    return [path.name for path in host.folder.glob("lasting-*")]


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

    def busy() -> list[Host]:
        return [worker for worker in cluster.workers if items(worker)]

    victim = wait_for("the first item", busy)[0]
    victim.die()
    execution.wait()
    check(case, execution)
    (survivor,) = (worker for worker in cluster.workers if worker is not victim)
    assert set(items(victim)) < set(items(survivor))


@pytest.mark.slow
def test_dask_keeps_nothing_that_it_would_do_again(dask, execute, check):
    """It repeats, when a worker dies, what that had and somebody may still ask for."""
    case = Case("lasting")
    execution = execute(case, dask)
    wait_for("the first item", lambda: any(map(items, dask.workers)))
    (config,) = (o.split("=", 1)[1] for o in dask.options if o.startswith("--executor-config="))
    address = json.loads(config)["cluster"]["existing"]["address"]
    with import_module("distributed").Client(address) as client:
        kept: Any = client.run_on_scheduler(lambda dask_scheduler: list(dask_scheduler.tasks))
    assert any("lasting" in key for key in kept)
    assert not any("start" in key for key in kept)
    execution.wait()
    check(case, execution)


@pytest.mark.slow
def test_a_run_on_celery_outlives_restarts_of_redis(redis, celery, execute, check):
    # A step may be given to the other worker too, which finds its task done.
    case = Case("engines", {"size": 2}, ignore=("attempts in Dagster, 1 in Metaflow",))
    execution = execute(case, celery)
    wait_for("the first step", lambda: any("op_" in worker.said() for worker in celery.workers))
    for _ in range(8):
        redis.restart()
        time.sleep(2)
    execution.wait()
    check(case, execution)
