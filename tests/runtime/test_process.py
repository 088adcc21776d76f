"""A task is a process as in a native run: it leads nothing, and ends as it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.warm_lab import Lab, is_alive

from metaflow_extensions.dagster.driver import process
from metaflow_extensions.dagster.driver.process import Outcome, _pump, run_process
from metaflow_extensions.dagster.warm import client as warm

Run = Callable[..., tuple[Outcome, str]]


@pytest.fixture(params=["warm", "cold"])
def run(request: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Runs a script as ops do; returns its outcome and what it printed."""
    monkeypatch.setattr(warm, "_state", warm._State())
    monkeypatch.setenv("METAFLOW_DAGSTER_WARM", "1" if request.param == "warm" else "0")
    lab = Lab(tmp_path)

    def run(text: str, *args: str, **options: Any) -> tuple[Outcome, str]:
        outcome = Outcome()
        command = [sys.executable, lab.script(text), *args]
        env = {**lab.env, "odd.name-1": "\udc80", **options.pop("env", {})}
        run_process(command, env, str(tmp_path), outcome, **options)
        return outcome, b"".join(line for _, line in outcome.stdout).decode()

    yield run
    warm._state.retire_all()


def test_a_task_may_lead_a_session_or_a_group(run: Run) -> None:
    text = """
    import os
    assert os.getpid() not in (os.getsid(0), os.getpgid(0))
    assert os.environb[b"odd.name-1"] == b"\\x80"
    if os.fork() == 0:
        os.setpgid(0, 0)
        os._exit(0)
    assert os.wait()[1] == 0
    os.setsid()
    print(os.getpid() == os.getsid(0) == os.getpgid(0))
    """
    outcome, said = run(text)
    assert (outcome.returncode, said) == (0, "True\n"), outcome.stderr


@pytest.mark.parametrize("end", ["os._exit(137)", "sys.exit(202)", "os.kill(os.getpid(), 9)"])
def test_a_task_ends_as_a_plain_process_does(run: Run, end: str) -> None:
    text = f"import os, sys\n{end}"
    native = subprocess.run([sys.executable, "-c", text]).returncode
    assert run(text)[0].returncode == native


@pytest.mark.parametrize("name", ["SIGTERM", "SIGSEGV", "SIGHUP", "SIGUSR1"])
def test_a_task_ends_by_a_signal_as_a_plain_process_does(run: Run, name: str) -> None:
    text = f"import os, signal\nos.kill(os.getpid(), signal.{name})"
    assert run(text)[0].returncode == -signal.Signals[name]


@pytest.mark.parametrize("session", [True, False])
def test_what_a_task_leaves_running_runs_on(run: Run, session: bool) -> None:
    text = f"""
    import subprocess
    sleep = subprocess.Popen(["sleep", "60"], start_new_session={session}, stdout=-3, stderr=-3)
    print(sleep.pid)
    """
    outcome, said = run(text)
    assert outcome.returncode == 0
    assert is_alive(int(said))
    os.kill(int(said), signal.SIGKILL)


@pytest.mark.parametrize("code", [0, 1])
def test_no_task_of_a_gang_outlives_a_failed_attempt(
    run: Run, code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that is about to end does so; one that waits for the others is ended."""
    monkeypatch.setattr(process, "KILL_AFTER", "2")
    text = f"""
    import subprocess, sys
    last = "sleep 1; echo done > last"
    pids = [subprocess.Popen(c, shell=True, stdout=-3).pid for c in (last, "exec sleep 60")]
    print(*pids)
    sys.exit({code})
    """
    outcome, said = run(text, is_gang=True)
    assert outcome.returncode == code
    finished, waiting = map(int, said.split())
    if code:
        assert (tmp_path / "last").exists()
        assert not is_alive(finished)
        assert not is_alive(waiting)
    else:  # what tasks leave running is left, as after other tasks
        assert is_alive(waiting)
        os.kill(waiting, signal.SIGKILL)


@pytest.mark.parametrize("is_deaf", [True, False])
def test_a_time_limit_ends_all_that_came_of_a_task(
    run: Run, is_deaf: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "KILL_AFTER", "1")
    text = f"""
    import os, signal, subprocess, time
    if {is_deaf}:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    orphan = ["sh", "-c", "sleep 60 > /dev/null 2>&1 & echo $!"]
    pids = [os.getpid(), int(subprocess.check_output(orphan))]
    os.setsid()
    pids.append(int(subprocess.check_output(orphan)))
    pids.append(subprocess.Popen(["sleep", "60"], start_new_session=True).pid)
    print(*pids, flush=True)
    time.sleep(60)
    """
    began = time.monotonic()
    outcome, said = run(text, timeout=6.0)
    assert time.monotonic() - began < 20
    assert outcome.timed_out
    assert outcome.returncode == -(signal.SIGKILL if is_deaf else signal.SIGTERM)
    assert not any(map(is_alive, map(int, said.split())))


def test_what_a_process_prints_as_its_last_act_is_kept() -> None:
    """It may print and end between the look at its pipes and the look whether it has ended."""
    ends = os.pipe(), os.pipe()

    class Ending:
        def poll(self) -> int:
            os.write(ends[0][1], b"last words\n")
            return 0

    outcome = Outcome()
    _pump(Ending(), (ends[0][0], ends[1][0]), outcome, 60.0)
    assert [line for _, line in outcome.stdout] == [b"last words\n"]
    for fd in (*ends[0], *ends[1]):
        os.close(fd)
