"""``@batch``: tasks in jobs of AWS Batch, natively and from Dagster's ops."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from differential.cases import Case
from support.batch_api import Batch

from ..conftest import Check
from .conftest import ROLE

WITH = ("--with", "batch")

OnBatch = Callable[[str], Case]


@pytest.mark.slow
def test_a_task_in_a_job_is_that_of_a_native_run(
    check: Check, batch: Batch, on_batch: OnBatch
) -> None:
    run = check(on_batch("one_pod"))["dagster"]
    job = list(batch.jobs.values())[-1]
    assert job.main.spec["resourceRequirements"] == [
        {"value": "0.5", "type": "VCPU"},
        {"value": "512", "type": "MEMORY"},
    ]
    assert set(batch.assumed_roles) == {ROLE}
    assert job.log_stream(job.main) in str(run)
    assert job.id in str(run)
    assert "i-0123456789abcdef0" in str(run)


@pytest.mark.slow
def test_a_run_in_jobs_is_a_native_run(check: Check, batch: Batch) -> None:
    check(Case("linear", top_options=WITH))
    assert {job.status for job in batch.jobs.values()} == {"SUCCEEDED"}


@pytest.mark.slow
def test_retries_and_caught_failures_in_jobs(check: Check, on_batch: OnBatch) -> None:
    check(on_batch("pods"))


@pytest.mark.slow
def test_rounds_of_a_loop_in_jobs(check: Check, batch: Batch) -> None:
    check(Case("switch_loop", {"route": "direct"}, top_options=WITH))
    names = [job.request["jobName"] for job in batch.jobs.values()]
    assert [name for name in names if "dagster-" in name and "-again-i1-0" in name]


@pytest.mark.slow
def test_a_gang_is_a_multi_node_job(check: Check, batch: Batch, on_batch: OnBatch) -> None:
    check(on_batch("parallel_pods"))
    job = list(batch.jobs.values())[-1]
    assert [node.exit_code for node in job.nodes] == [0, 0, 0]


@pytest.mark.slow
def test_jobs_that_run_out_of_time_are_those_of_a_native_run(
    check: Check, on_batch: OnBatch
) -> None:
    check(on_batch("timeout_pods"))
