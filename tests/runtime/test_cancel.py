"""Nothing that a run started outlives it, however it ends."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable

import pytest
from support.project import Project

FLOW = """
import os, subprocess, sys, time
from metaflow import FlowSpec, retry, step

class Sleepy(FlowSpec):
    @retry(times=2, minutes_between_retries=0)
    @step
    def start(self):
        # An orphan of the task's group, a session, and an orphan of a session that the task leads.
        orphan = ["sh", "-c", "sleep 300 > /dev/null 2>&1 & echo $!"]
        pids = [os.getpid(), int(subprocess.check_output(orphan))]
        pids.append(subprocess.Popen(["sleep", "300"], start_new_session=True).pid)
        os.setsid()
        pids.append(int(subprocess.check_output(orphan)))
        pids.append(subprocess.Popen(["sleep", "300"]).pid)
        above = ["ps", "-o", "ppid=", "-p", str(os.getppid())]  # the op starts what starts a task
        pids.append(int(subprocess.check_output(above)))
        with open("pids.part", "w") as file:
            file.write(" ".join(map(str, pids)))
        os.rename("pids.part", "pids")
        time.sleep(300)
        self.next(self.end)

    @step
    def end(self):
        pass

if __name__ == "__main__":
    Sleepy()
"""

Eventually = Callable[[Callable[[], bool], float], None]


def is_alive(pid: int) -> bool:
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True)
    return state.returncode == 0 and not state.stdout.startswith("Z")


def start(project: Project, eventually: Eventually, *options: str) -> tuple[list[int], int]:
    """Deploy and start; returns (the task and what it started, the op's process), the run's pid."""
    project.deploy(FLOW, *options)
    run = project.start("Sleepy")
    eventually((project.folder / "pids").exists, 60)
    return [int(pid) for pid in (project.folder / "pids").read_text().split()], run.pid


@pytest.mark.parametrize("executor", ["auto", "multiprocess", "in_process"])
def test_an_interrupted_run_ends_its_tasks_and_does_not_retry(
    project: Project, eventually: Eventually, executor: str
) -> None:
    (*tasks, _), run = start(project, eventually, f"--executor={executor}")
    os.kill(run, signal.SIGINT)
    eventually(lambda: not any(map(is_alive, tasks)), 15)
    eventually(lambda: not is_alive(run), 15)
    log = (project.folder / "log").read_text()
    assert "STEP_RESTARTED" not in log
    assert "RUN_CANCELED" in log or "Execution was interrupted" in log
    assert "KILLED BY ORCHESTRATOR" in str(
        project.query("Flow('Sleepy').latest_run['start'].task.stderr")
    )


@pytest.mark.parametrize("executor", ["auto", "multiprocess", "in_process"])
def test_killing_the_process_of_an_op_ends_its_task(
    project: Project, eventually: Eventually, executor: str
) -> None:
    (*tasks, op), run = start(project, eventually, f"--executor={executor}")
    os.kill(op, signal.SIGKILL)
    eventually(lambda: not any(map(is_alive, tasks)), 10)
    eventually(lambda: not is_alive(run), 30)


def test_a_crash_shows_the_traceback_of_the_user(project: Project) -> None:
    project.deploy(FLOW.replace("time.sleep(300)", "self.helper()"))
    text = (
        (project.folder / "flow.py")
        .read_text()
        .replace(
            "    @step\n    def end",
            "    def helper(self):\n        return 1 / 0\n\n    @step\n    def end",
        )
        .replace("@retry(times=2, minutes_between_retries=0)", "")
    )
    project.deploy(text)
    done = project.execute("Sleepy", check=False)
    assert done.returncode != 0
    output = done.stdout + done.stderr
    failure = output[output.index("STEP_FAILURE") :]
    assert "return 1 / 0" in failure
    assert "ZeroDivisionError: division by zero" in failure
    assert "Step start failed" in failure
