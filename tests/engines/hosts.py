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
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import pytest
from differential.runs import FLOWS, Reader, make_home
from support.network import Cable, Network
from support.processes import end

from .stores import Store

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

    def __init__(self, site: Site, name: str, cable: Cable | None = None) -> None:
        self.name, self.cable = name, cable
        self.address = cable.address if cable else site.address
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
        if self.cable:
            command = ("ip", "netns", "exec", self.cable.namespace, *command)
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
    """Where a flow was deployed, and the flow's command there."""

    author: Host
    command: tuple[str, ...]

    @property
    def text(self) -> str:
        """The definitions file."""
        return (self.author.folder / "defs.py").read_text()


class Site:
    """Some hosts, and what they share."""

    def __init__(self, folder: Path, network: Network | None = None) -> None:
        self.folder, self.network = folder, network
        self.address = network.address if network else "127.0.0.1"
        """Of whatever all workers use."""
        self.processes: list[subprocess.Popen[bytes]] = []
        self.env: dict[str, str] = {}
        self.shared = folder / "shared"
        self.shared.mkdir()
        self.sources = rf"{re.escape(str(folder))}/author-of-[\w-]+"
        """Pattern of the folders with flows."""
        self.home = make_home(folder / "dagster_home")

    def host(self, name: str) -> Host:
        return Host(self, name)

    def worker(self, name: str) -> Host:
        """A host that can be cut off, where there is a network for that."""
        return Host(self, name, self.network.join() if self.network else None)

    def disk(self, reader: Reader) -> Store:
        """The datastore and metadata in the folder that all hosts share."""
        root = f"--datastore-root={self.shared / '.metaflow'}"
        options = ("--metadata=local", "--datastore=local", root)
        return Store("disk", str(self.shared), reader, f"local@{self.shared}", options)

    def s3(self, reader: Reader, env: Mapping[str, str], metadata: str) -> Store:
        """S3 with Metaflow's service, of which ``env`` has the addresses."""
        options = ("--metadata=service", "--datastore=s3")
        return Store("S3", str(self.shared), reader, metadata, options, env)

    def deploy(self, flow: str, store: Store, *options: str) -> Deployed:
        """Compile a flow of the corpus on a host of its author."""
        author = self.host(f"author-of-{flow}-on-{store.name}")
        author.env |= {"USER": "tester", **store.env}  # as in a native run
        for name in (flow, "tracing"):
            shutil.copy(FLOWS / f"{name}.py", author.folder)
        deployed = Deployed(
            author, (str(BIN / "python"), f"{flow}.py", "--no-pylint", *store.options)
        )
        author.run(*deployed.command, "dagster", "create", "defs.py", *options)
        return deployed

    def close(self) -> None:
        for process in self.processes:
            end(process)
