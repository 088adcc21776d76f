"""Machines, as far as one can have them on one: each has a folder and a home of its own.

They share a datastore, and the storage of Dagster's instance. A host has the definitions file in
its folder and nothing of the flow.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import uuid
from pathlib import Path
from typing import NamedTuple

import pytest
from differential.runs import FLOWS, make_home
from support.processes import end

BIN = Path(sys.executable).parent


def processes_at(home: Path) -> dict[int, bytes]:
    """Command lines of the processes whose home is a folder, or a host in it, by their ids."""
    found: dict[int, bytes] = {}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            environment = Path(f"/proc/{pid}/environ").read_bytes()
            if re.search(rb"\0HOME=%b[/\0]" % re.escape(os.fsencode(home)), environment):
                found[int(pid)] = Path(f"/proc/{pid}/cmdline").read_bytes()
    return found


class Host:
    """A machine: commands run in its folder, with its home."""

    def __init__(self, site: Site, name: str) -> None:
        self.name = name
        self.folder = site.folder / name
        self.folder.mkdir()
        self._site = site
        ours = ("METAFLOW_", "DAGSTER_", "PYTEST_", "CELERY_", "DASK_")
        self.env = {n: v for n, v in os.environ.items() if not n.startswith(ours)}
        self.env |= {"HOME": str(self.folder), "USER": name, "DAGSTER_HOME": str(site.home)}
        self.env |= {"PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}", **site.env}

    def run(self, *command: str, check: bool = True, seconds: float = 300) -> str:
        """Run a command to its end; its output."""
        process = self.start(*command)
        log = self.folder / f"{process.pid}.log"
        try:
            code = process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            end(process)
            pytest.fail(f"{command} took over {seconds} s:\n{log.read_text()[-6000:]}")
        assert not check or code == 0, log.read_text()[-6000:]
        return log.read_text()

    def start(self, *command: str, **env: str) -> subprocess.Popen[bytes]:
        """Start a command that leads a process group; its output goes to ``<pid>.log``."""
        scratch = self.folder / uuid.uuid4().hex
        process = subprocess.Popen(
            command,
            cwd=self.folder,
            env={**self.env, **env},
            stdin=subprocess.DEVNULL,
            stdout=scratch.open("wb"),
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        scratch.rename(self.folder / f"{process.pid}.log")
        self._site.processes.append(process)
        return process

    def die(self) -> None:
        """All that was started here is gone at once, as when the machine is switched off."""
        for pid in processes_at(self.folder):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def said(self) -> str:
        """What all commands of this host have printed so far."""
        logs = sorted(self.folder.glob("*.log"))
        return "\n".join(path.read_text(errors="replace") for path in logs)


class Deployed(NamedTuple):
    """Where a flow was deployed, and its definitions file."""

    author: Host
    text: str


class Site:
    """Some hosts, and what they share."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.processes: list[subprocess.Popen[bytes]] = []
        self.env: dict[str, str] = {}
        self.shared = folder / "shared"
        self.shared.mkdir()
        self.store = self.shared / ".metaflow"
        self.home = make_home(folder / "dagster_home")

    def host(self, name: str) -> Host:
        return Host(self, name)

    def deploy(self, flow: str, *options: str) -> Deployed:
        """Compile a flow of the corpus on a host of its author."""
        author = self.host(f"author-of-{flow}")
        author.env["USER"] = "tester"  # as in a native run
        for name in (flow, "tracing"):
            shutil.copy(FLOWS / f"{name}.py", author.folder)
        command = [str(BIN / "python"), f"{flow}.py", "--no-pylint", "--metadata=local"]
        command += ["--datastore=local", f"--datastore-root={self.store}"]
        author.run(*command, "dagster", "create", "defs.py", *options)
        return Deployed(author, (author.folder / "defs.py").read_text())

    def close(self) -> None:
        for process in self.processes:
            end(process)
