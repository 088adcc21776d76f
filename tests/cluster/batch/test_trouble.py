"""Jobs that come to grief under a Dagster run, and runs that are cancelled or killed."""

from __future__ import annotations

import os
import re
import signal
import sys

import pytest
from support.batch_api import Batch, Job
from support.processes import end, wait_for
from support.project import Project

from .. import troubled
from ..troubled import (
    TASK,
    can_be_reexecuted,
    can_be_resumed,
    log,
    shows_while_it_runs,
    succeeds,
)

pytestmark = pytest.mark.slow


def deploy(project: Project, options: str = "", lasts: int = 1, before: str = "pass") -> None:
    troubled.deploy(project, f"batch({options})", "AWS_BATCH_JOB_ID", lasts, before)


def running(batch: Batch) -> Job:
    """The job that runs the user's code, once it does."""

    def has_begun() -> list[Job]:
        return [job for job in batch.unfinished() if "attempt" in batch.said(job)]

    return wait_for("the start of the job", has_begun)[0]


def nothing_is_left(batch: Batch) -> bool:
    return not batch.running() and not batch.unfinished()


@pytest.mark.parametrize(
    ("trouble", "said"),
    [("lose_host", "Host EC2 (instance"), ("run_out_of_memory", "OutOfMemoryError")],
)
def test_a_job_that_is_lost_is_tried_again(
    batch: Batch, project: Project, trouble: str, said: str
) -> None:
    deploy(project)
    run = project.start("Troubled")
    getattr(batch, trouble)(running(batch))
    succeeds(project, run, 300)
    assert project.query(f"[{TASK}['attempt'].data, {TASK}.current_attempt]") == [1, 1]
    assert "STEP_UP_FOR_RETRY" in log(project)
    assert said in log(project)
    assert nothing_is_left(batch)


def test_a_job_that_waits_for_a_place_starts_when_there_is_one(
    batch: Batch, project: Project
) -> None:
    batch.max_containers = 0
    deploy(project, lasts=0)
    run = project.start("Troubled")
    wait_for("a job", lambda: [it for it in batch.unfinished() if it.status == "RUNNABLE"])
    batch.refusals = 3  # which boto3 tries again
    wait_for("refused requests", lambda: not batch.refusals)
    batch.max_containers = 1
    succeeds(project, run, 300)
    assert nothing_is_left(batch)


def test_a_job_that_cannot_start_or_be_submitted_fails_its_op(
    batch: Batch, project: Project
) -> None:
    deploy(project, "image='missing:1'", lasts=0)
    run = project.execute("Troubled", check=False)
    assert run.returncode != 0
    assert "CannotPullContainerError" in run.stderr
    assert len(batch.jobs) == 2  # tried again, as natively
    deploy(project, "queue='other'", lasts=0)
    run = project.execute("Troubled", check=False)
    assert "AWS Batch Job Queue other not found" in run.stderr
    assert "STEP_UP_FOR_RETRY" not in run.stderr  # not tried again, as natively
    assert len(batch.jobs) == 2


def test_no_job_survives_a_cancelled_run(batch: Batch, project: Project) -> None:
    deploy(project)
    run = project.start("Troubled")
    job = running(batch)
    shows_while_it_runs(project, f"attempt 0 in {job.id}")
    os.kill(run.pid, signal.SIGINT)
    wait_for("the end of the job", lambda: nothing_is_left(batch), 40)
    run.wait(timeout=60)
    assert job.status_reason == "Metaflow initiated job termination."
    assert "STEP_RESTARTED" not in log(project)
    assert len(batch.jobs) == 1


def test_a_job_that_ignores_its_end_is_killed(batch: Batch, project: Project) -> None:
    batch.stop_seconds = 2
    deploy(project, before="signal.signal(signal.SIGTERM, signal.SIG_IGN)")
    run = project.start("Troubled")
    job = running(batch)
    os.kill(run.pid, signal.SIGINT)
    wait_for("the end of the job", lambda: nothing_is_left(batch), 40)
    run.wait(timeout=60)
    assert job.main.exit_code == 137


def test_a_killed_run_leaves_no_job_and_can_be_resumed(batch: Batch, project: Project) -> None:
    deploy(project)
    run = project.start("Troubled")
    running(batch)
    os.kill(run.pid, signal.SIGKILL)
    wait_for("the end of the job", lambda: nothing_is_left(batch), 40)
    end(run)
    (project.folder / "go").touch()
    can_be_resumed(project)


def test_a_run_whose_jobs_are_killed_by_command_can_be_re_executed(
    batch: Batch, project: Project
) -> None:
    deploy(project, lasts=2)
    run = project.start("Troubled")
    for attempt in range(2):
        job = running(batch)
        run_id = job.request["parameters"]["metaflow.run_id"]
        command = (sys.executable, "flow.py", "--no-pylint", "batch")
        listed = project.run(*command, "list", "--run-id", run_id)
        assert job.id in listed.stdout + listed.stderr
        project.run(*command, "kill", "--run-id", run_id)
        wait_for(f"the end of attempt {attempt}", lambda job=job: job.has_ended, 40)
    assert run.wait(timeout=100) != 0
    (project.folder / "go").touch()
    can_be_reexecuted(project)
    assert re.search(r"-work-r[0-9a-f]{6}-0$", list(batch.jobs.values())[-1].request["jobName"])
    assert nothing_is_left(batch)
