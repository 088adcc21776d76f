"""One attempt of a task as a process: start it, stream what it prints, end it with the op."""

from __future__ import annotations

import math
import os
import re
import selectors
import subprocess
import sys
import time
from dataclasses import dataclass, field
from typing import Any

from ..streams import current_streams, interruption
from ..warm.client import end_command, spawn
from ..warm.process_tree import SUPERVISOR

_LOG_LIMIT = 1024 * 1024  # bytes a stream kept for Metaflow, as in a native run
# Before a line that a remote task has stored by itself (LINE_PARSER in metaflow/mflog/mflog.py).
_HEADER = re.compile(rb"^(\[!)?\[MFLOG\|0\|[^|\]]+Z\|[^|\]]+\|[^|\]]+\]")
_BEGINS = (b"[MFLOG|", b"[![MFLOG|")
KILL_AFTER = "5"  # seconds between asking what came of a task to end and killing it


@dataclass
class Outcome:
    """How an attempt ended, and the lines that it printed.

    A line comes with its time in microseconds since 1970. Times grow from line to line:
    Metaflow sorts by them.
    """

    returncode: int = 0
    timed_out: bool = False
    killed: bool = False
    stdout: list[tuple[int, bytes]] = field(default_factory=list[tuple[int, bytes]])
    stderr: list[tuple[int, bytes]] = field(default_factory=list[tuple[int, bytes]])

    @property
    def failed(self) -> bool:
        return self.timed_out or self.returncode != 0

    def how(self) -> str:
        """How it ended, in a few words."""
        if self.timed_out:
            return "ended at its time limit"
        code = self.returncode
        return f"killed by signal {-code}" if code < 0 else f"exit code {code}"

    def written(self) -> list[str]:
        """The streams in which there is text."""
        streams = {"stdout": self.stdout, "stderr": self.stderr}
        return [name for name, lines in streams.items() if any(line.strip() for _, line in lines)]

    def tail(self) -> str:
        """The end of what it said on stderr: the user's traceback, if there is one."""
        text = b"".join(line for _, line in self.stderr[-60:])
        return text.decode(errors="replace").strip()


def run_process(
    cmd: list[str],
    env: dict[str, str],
    folder: str,
    outcome: Outcome,
    timeout: float = math.inf,
    *,
    is_gang: bool = False,
) -> None:
    """Run a command and stream its output to Dagster.

    It ends with the op and with all that it started, whether the op is interrupted or its
    process is killed. `outcome` is filled in either case.

    Where a gang's control task fails, what it has started ends too, if need be after some seconds:
    else a task of this attempt, which has an interpreter to load first, could write after that of
    the next attempt, and count as the later one.
    """
    out_read, out_write = os.pipe()
    err_read, err_write = os.pipe()
    try:
        proc = _start_process(cmd, env, folder, out_write, err_write)
    finally:
        os.close(out_write)
        os.close(err_write)
    try:
        _pump(proc, (out_read, err_read), outcome, timeout)
    except BaseException:
        _end(proc)
        outcome.killed = True
        for lines in (outcome.stdout, outcome.stderr):
            lines.append((time.time_ns() // 1000, b"[KILLED BY ORCHESTRATOR]\n"))
        raise
    finally:
        os.close(out_read)
        os.close(err_read)
        outcome.returncode = proc.wait()
        if is_gang and outcome.failed:
            # The supervisor leads a session.
            group = proc.pid if isinstance(proc, subprocess.Popen) else proc.group
            command = end_command("rest", KILL_AFTER, group)
            subprocess.run(command, stdin=subprocess.DEVNULL, check=False)


def _start_process(
    cmd: list[str], env: dict[str, str], folder: str, stdout: int, stderr: int
) -> Any:
    """Fork a warm process where that can be right, else start a new interpreter."""
    return spawn(cmd, env=env, cwd=folder, stdout=stdout, stderr=stderr) or subprocess.Popen(
        [sys.executable, "-IS", "-c", SUPERVISOR, "run", KILL_AFTER, *cmd],
        env=env,
        cwd=folder,
        stdin=subprocess.PIPE,  # closed in whatever way this process ends
        stdout=stdout,
        stderr=stderr,
        start_new_session=True,
    )


def _end(proc: Any) -> None:
    """Have a process and all that came of it end: asked first, then killed."""
    if isinstance(proc, subprocess.Popen):
        if proc.stdin:
            proc.stdin.close()
    else:
        proc.end(KILL_AFTER)


class _Stream:
    """One output stream of a task: passed on as it comes, and kept line by line for Metaflow."""

    def __init__(self, sink: Any, kept: list[tuple[int, bytes]]) -> None:
        self.sink = sink
        self.kept = kept
        self.partial = b""
        self.room = _LOG_LIMIT
        self.held = b""
        self.at_start = True

    def feed(self, data: bytes) -> None:
        """Take what was read; no data is the end of the stream."""
        self.sink.write(self.shown(data))
        self.sink.flush()
        *lines, self.partial = (self.partial + data).split(b"\n")
        for line in lines:
            self.keep(line + b"\n")
        if not data and self.partial:
            self.keep(self.partial)
            self.partial = b""

    def shown(self, data: bytes) -> bytes:
        """What people see: lines of a pod without what Metaflow puts before them.

        The beginning of a line is held back for as long as it may be that.
        """
        *lines, last = (self.held + data).split(b"\n")
        self.held = b""
        for number, line in enumerate(lines):
            if number or self.at_start:
                lines[number] = _HEADER.sub(b"", line, count=1)
        at_start = bool(lines) or self.at_start
        if at_start and last and any(last.startswith(begin[: len(last)]) for begin in _BEGINS):
            if data:
                self.held, last = last, b""
            else:
                last = _HEADER.sub(b"", last, count=1)
        self.at_start = at_start and not last
        return b"\n".join([*lines, last])

    def keep(self, line: bytes) -> None:
        """Keep a line up to the size that a native run keeps (metaflow/runtime.py)."""
        if self.room <= 0:
            return
        self.room -= len(line)
        if self.room <= 0:
            line = b"[TRUNCATED - MAXIMUM LOG FILE SIZE REACHED]\n"
        last = self.kept[-1][0] if self.kept else 0
        self.kept.append((max(time.time_ns() // 1000, last + 1), line))


def _pump(proc: Any, fds: tuple[int, int], outcome: Outcome, timeout: float) -> None:
    """Pass output on until the process has ended and its pipes are drained."""
    deadline = time.monotonic() + timeout
    with selectors.DefaultSelector() as selector:
        stdout, stderr = _sinks()
        streams = (_Stream(stdout, outcome.stdout), _Stream(stderr, outcome.stderr))
        for fd, stream in zip(fds, streams, strict=True):
            os.set_blocking(fd, False)
            selector.register(fd, selectors.EVENT_READ, stream)
        ended = False
        while selector.get_map():
            ready = selector.select(0 if ended else 0.2)
            for key, _ in ready:
                data = os.read(key.fd, 65536)
                key.data.feed(data)
                if not data:
                    selector.unregister(key.fd)
            if ended and not ready:
                for key in selector.get_map().values():
                    key.data.feed(b"")  # something that the task left running holds the pipe
                return
            # What it printed just before it ended may have come after the look above.
            ended = ended or (not ready and proc.poll() is not None)
            if error := interruption():
                raise error
            if time.monotonic() > deadline:
                outcome.timed_out = True
                _end(proc)
                deadline = math.inf


def _sinks() -> tuple[Any, Any]:
    """Where this step's output goes: its own streams in a thread, else the process's."""
    return current_streams() or (_binary(sys.stdout, 1), _binary(sys.stderr, 2))


def _binary(stream: Any, fd: int) -> Any:
    """The bytes under a text stream; Celery puts a logger in the place of those of Python."""
    return getattr(stream, "buffer", None) or open(fd, "wb", closefd=False)
