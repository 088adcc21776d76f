"""A flow on workers that share nothing with whoever submits the run but the datastore."""

from __future__ import annotations

import pytest
from differential.cases import Case

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
