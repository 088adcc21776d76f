"""Runs command lines through the warm server or, as the oracle, as new interpreters."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from metaflow_extensions.dagster.warm import client as warm

TOP_ARGS = ["--quiet", "--no-pylint", "--metadata=local", "--datastore=local"]


@dataclass
class Ran:
    """What a command did."""

    is_warm: bool
    pid: int
    code: int
    out: str
    err: str


class Lab:
    """A folder for scripts, an environment, and processes started in them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.env = {
            name: value for name, value in os.environ.items() if not name.startswith("METAFLOW_")
        }
        self.env.update(USER="tester", PYTHONUNBUFFERED="x", PYTHONDONTWRITEBYTECODE="1")

    def script(self, text: str, name: str = "script.py") -> str:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text))
        return str(path)

    def start(self, cmd: list[str], *, is_warm: bool = True, **extra: Any) -> tuple[Any, int, int]:
        """Start a command; returns the process and the read ends of its stdout and stderr."""
        out_read, out_write = os.pipe()
        err_read, err_write = os.pipe()
        env = {**self.env, **extra.get("env", {})}
        cwd = extra.get("cwd", str(self.folder))
        process: Any = None
        if is_warm:
            process = warm.spawn(cmd, env=env, cwd=cwd, stdout=out_write, stderr=err_write)
        else:
            process = subprocess.Popen(
                cmd,
                env=env,
                cwd=cwd,
                stdin=subprocess.DEVNULL,
                stdout=out_write,
                stderr=err_write,
            )
        os.close(out_write)
        os.close(err_write)
        return process, out_read, err_read

    def run(self, script: str, *args: str, is_warm: bool = True, **extra: Any) -> Ran:
        """Run a script to its end."""
        options = ["-u"] if extra.pop("unbuffered", False) else []
        cmd = [sys.executable, *options, script, *args]
        process, out_fd, err_fd = self.start(cmd, is_warm=is_warm, **extra)
        assert process is not None, "not started warm"
        kept: dict[str, str] = {}

        def read(name: str, fd: int) -> None:
            with os.fdopen(fd, encoding="utf-8", errors="replace") as file:
                kept[name] = file.read()

        readers = [
            threading.Thread(target=read, args=item) for item in (("out", out_fd), ("err", err_fd))
        ]
        for reader in readers:
            reader.start()
        code = process.wait(timeout=30)
        for reader in readers:
            reader.join()
        return Ran(is_warm, process.pid, code, kept["out"], kept["err"])

    def both(self, script: str, *args: str, **extra: Any) -> tuple[Ran, Ran]:
        """Run a script warm, and as a new interpreter."""
        return (
            self.run(script, *args, **extra),
            self.run(script, *args, is_warm=False, **extra),
        )


def is_alive(pid: int) -> bool:
    """Whether a process runs; one that has ended but is not yet reaped does not."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def wait_until(condition: Any, seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)
