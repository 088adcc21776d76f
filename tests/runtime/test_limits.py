"""Time limits and retries, as the op enforces them."""

from __future__ import annotations

import time

from support.project import Project

FLOW = """
import os, signal, sys, time
from metaflow import FlowSpec, current, retry, step, timeout

class Limits(FlowSpec):
    {decorators}
    @step
    def start(self):
        print("attempt", current.retry_count)
        {body}
        self.next(self.end)

    @step
    def end(self):
        pass

if __name__ == "__main__":
    Limits()
"""


def attempts(project: Project) -> object:
    return project.query("Flow('Limits').latest_run['start'].task.current_attempt")


def test_the_workflow_timeout_needs_no_daemon(project: Project) -> None:
    source = FLOW.format(decorators="@retry(times=3)", body="time.sleep(100)")
    project.deploy(source, "--workflow-timeout=4")
    began = time.monotonic()
    done = project.execute("Limits", check=False)
    assert done.returncode != 0
    assert time.monotonic() - began < 40
    assert "ended at its time limit" in done.stderr + done.stdout
    assert attempts(project) == 0


def test_a_task_that_ignores_its_timeout_is_ended(project: Project) -> None:
    body = "signal.signal(signal.SIGALRM, signal.SIG_IGN); time.sleep(100)"
    project.deploy(FLOW.format(decorators="@timeout(seconds=1)", body=body))
    began = time.monotonic()
    done = project.execute("Limits", check=False)
    assert done.returncode != 0
    assert time.monotonic() - began < 40
    assert "ended at its time limit" in done.stderr + done.stdout


def test_exit_code_202_is_not_retried(project: Project) -> None:
    decorators = "@retry(times=3, minutes_between_retries=0)"
    project.deploy(FLOW.format(decorators=decorators, body="os._exit(202)"))
    done = project.execute("Limits", check=False)
    assert done.returncode != 0
    assert "STEP_UP_FOR_RETRY" not in done.stderr + done.stdout
    assert attempts(project) == 0


def test_minutes_between_retries_delay_the_retry(project: Project) -> None:
    decorators = "@retry(times=1, minutes_between_retries=0.05)"
    body = "assert current.retry_count == 1"
    project.deploy(FLOW.format(decorators=decorators, body=body))
    done = project.execute("Limits")
    assert "retry_delay=3.0" in (project.folder / "defs.py").read_text()
    assert "STEP_UP_FOR_RETRY" in done.stderr + done.stdout
    assert attempts(project) == 1
