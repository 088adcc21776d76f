"""What steps read their resources from, in a run of the thread executor."""

from __future__ import annotations

import pytest
from dagster import DagsterInstance, execute_job, reconstructable
from support import executor_jobs
from support.executor_jobs import notes


@pytest.fixture(autouse=True)
def notes_file(tmp_path, monkeypatch):
    monkeypatch.setenv("NOTES", str(tmp_path / "notes"))


def seen(job: str, tmp_path) -> list[list[str]]:
    with DagsterInstance.local_temp(str(tmp_path)) as instance:
        assert execute_job(reconstructable(getattr(executor_jobs, job)), instance).success
    return notes()


def test_steps_that_need_the_same_share_one_object(tmp_path):
    lines = seen("seen_resources", tmp_path)
    objects = [line[1] for line in lines if line[0] == "with"]
    assert len(objects) == 12
    assert len(set(objects)) == 1
    # A step still has no more than it asks for.
    assert {line[1] for line in lines if line[0] == "without"} == {"False"}


def test_a_resource_may_be_another_object_for_each_step(tmp_path):
    lines = seen("fresh_resources", tmp_path)
    assert len({line[2] for line in lines if line[0] == "with"}) == 12
