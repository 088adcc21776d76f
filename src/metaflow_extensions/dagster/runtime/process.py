"""One attempt of a task as a process: start it, stream what it prints, end it with the op."""

import os
import selectors
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from typing import Any

from dagster import DagsterExecutionInterruptedError

_LOG_LIMIT = 1024 * 1024  # bytes a stream kept for Metaflow, as in a native run
_KILL_AFTER = 5.0  # seconds between asking a process group to end and killing it


@dataclass
class _Outcome:
    """How an attempt ended, and the lines that it printed.

    A line comes with its time in microseconds since 1970. Times grow from line to line:
    Metaflow sorts by them.
    """

    returncode: int = 0
    timed_out: bool = False
    killed: bool = False
    stdout: list[tuple[int, bytes]] = field(default_factory=list)
    stderr: list[tuple[int, bytes]] = field(default_factory=list)


def _run_process(
    cmd: list[str],
    env: dict[str, str],
    folder: str,
    outcome: _Outcome,
    timeout: float | None = None,
) -> None:
    """Run a command in a process group of its own and stream its output to Dagster.

    The group ends with the op, whether the op is interrupted or its process is killed.
    `outcome` is filled in either case.
    """
    out_read, out_write = os.pipe()
    err_read, err_write = os.pipe()
    try:
        proc = _start_process(cmd, env, folder, out_write, err_write)
    finally:
        os.close(out_write)
        os.close(err_write)
    # A warm process is looked after by its server.
    guard = _guard(proc.pid) if isinstance(proc, subprocess.Popen) else None
    try:
        _pump(proc, (out_read, err_read), outcome, timeout)
    except BaseException:
        _kill_group(proc)
        outcome.killed = True
        for lines in (outcome.stdout, outcome.stderr):
            lines.append((time.time_ns() // 1000, b"[KILLED BY ORCHESTRATOR]\n"))
        raise
    finally:
        os.close(out_read)
        os.close(err_read)
        if guard is not None:
            guard.communicate(b"\n")
        outcome.returncode = proc.wait()


def _start_process(
    cmd: list[str], env: dict[str, str], folder: str, stdout: int, stderr: int
) -> Any:
    """Fork a warm process where metaflow-dagster is installed, else start a new interpreter."""
    try:
        from metaflow_extensions.dagster.step.warm import spawn  # pyright: ignore
    except ImportError:
        warm = None
    else:
        warm = spawn(cmd, env=env, cwd=folder, stdout=stdout, stderr=stderr)
    return warm or subprocess.Popen(
        cmd,
        env=env,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=stderr,
        start_new_session=True,
    )


def _start_server(cmd: list[str], env: dict[str, str], folder: str) -> None:
    """Start the warm server, and have the first process run beside it as a plain one."""
    try:
        from metaflow_extensions.dagster.step.warm import prestart  # pyright: ignore
    except ImportError:
        return
    if prestart(cmd[:2], env=env, cwd=folder):
        env["METAFLOW_DAGSTER_WARM"] = "0"


def _guard(pid: int) -> "subprocess.Popen[bytes]":
    """A shell that kills the process group when this process dies without saying goodbye."""
    script = 'read -r _ && exit; kill -s TERM -- "-$1"; sleep 2; kill -s KILL -- "-$1"'
    return subprocess.Popen(
        ["sh", "-c", script, "guard", str(pid)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def _kill_group(proc: Any) -> None:
    """End a process and all that it started: ask first, then kill."""
    for sig, patience in ((signal.SIGTERM, _KILL_AFTER), (signal.SIGKILL, _KILL_AFTER)):
        try:
            os.killpg(proc.pid, sig)
        except ProcessLookupError:
            break
        try:
            proc.wait(timeout=patience)
        except subprocess.TimeoutExpired:
            continue
    # The leader may be gone while children of the same group are not.
    try:
        os.killpg(proc.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return


class _Stream:
    """One output stream of a task: passed on as it comes, and kept line by line for Metaflow."""

    def __init__(self, sink: Any, kept: list[tuple[int, bytes]]) -> None:
        self.sink = sink
        self.kept = kept
        self.partial = b""
        self.room = _LOG_LIMIT

    def feed(self, data: bytes) -> None:
        """Take what was read; no data is the end of the stream."""
        self.sink.write(data)
        self.sink.flush()
        *lines, self.partial = (self.partial + data).split(b"\n")
        for line in lines:
            self.keep(line + b"\n")
        if not data and self.partial:
            self.keep(self.partial)
            self.partial = b""

    def keep(self, line: bytes) -> None:
        """Keep a line up to the size that a native run keeps (metaflow/runtime.py)."""
        if self.room <= 0:
            return
        self.room -= len(line)
        if self.room <= 0:
            line = b"[TRUNCATED - MAXIMUM LOG FILE SIZE REACHED]\n"
        last = self.kept[-1][0] if self.kept else 0
        self.kept.append((max(time.time_ns() // 1000, last + 1), line))


def _pump(
    proc: Any, fds: tuple[int, int], outcome: _Outcome, timeout: float | None
) -> None:
    """Pass output on until the process has ended and its pipes are drained."""
    deadline = None if timeout is None else time.monotonic() + timeout
    with selectors.DefaultSelector() as selector:
        stdout, stderr = _sinks()
        streams = (_Stream(stdout, outcome.stdout), _Stream(stderr, outcome.stderr))
        for fd, stream in zip(fds, streams, strict=True):
            os.set_blocking(fd, False)
            selector.register(fd, selectors.EVENT_READ, stream)
        while selector.get_map():
            ready = selector.select(0.2)
            for key, _ in ready:
                data = os.read(key.fd, 65536)
                key.data.feed(data)
                if not data:
                    selector.unregister(key.fd)
            if not ready and proc.poll() is not None:
                for key in selector.get_map().values():
                    key.data.feed(
                        b""
                    )  # something that the task left running holds the pipe
                return
            if _interrupted():
                raise DagsterExecutionInterruptedError
            if deadline is not None and time.monotonic() > deadline:
                outcome.timed_out = True
                _kill_group(proc)
                deadline = None


def _sinks() -> tuple[Any, Any]:
    """Where this step's output goes: its own streams in a thread, else the process's."""
    try:
        from metaflow_extensions.dagster.step.streams import current_streams  # pyright: ignore
    except ImportError:
        return _binary(sys.stdout, 1), _binary(sys.stderr, 2)
    return current_streams() or (_binary(sys.stdout, 1), _binary(sys.stderr, 2))


def _binary(stream: Any, fd: int) -> Any:
    """The bytes under a text stream; Celery puts a logger in the place of those of Python."""
    return getattr(stream, "buffer", None) or open(fd, "wb", closefd=False)


def _interrupted() -> bool:
    """Whether the run is being cancelled; in a thread, no signal can tell."""
    try:
        from metaflow_extensions.dagster.step.streams import interrupted  # pyright: ignore
    except ImportError:
        return False
    return interrupted()
