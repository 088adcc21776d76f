"""Runs commands in a project of their own and measures them."""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

_SAMPLE = 0.1  # seconds between looks at the memory of a process tree


class Bench:
    """A project folder with its own datastore and Dagster instance.

    Attributes:
        runs: How often a command is measured, at most.
        items: Of the widest foreach.
    """

    def __init__(self, folder: Path, runs: int, items: int = 10_000) -> None:
        self.folder = folder
        self.runs = runs
        self.items = items
        home = folder / "dagster_home"
        home.mkdir()
        (home / "dagster.yaml").write_text("telemetry:\n  enabled: false\n")
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("METAFLOW_")}
        self.env = {
            **inherited,
            "DAGSTER_HOME": str(home),
            "METAFLOW_DATASTORE_SYSROOT_LOCAL": str(folder),
            "METAFLOW_DEFAULT_DATASTORE": "local",
            "METAFLOW_DEFAULT_METADATA": "local",
        }

    def deploy(self, name: str, source: str, *options: str) -> None:
        """Write ``<name>.py`` and compile it to ``<name>_defs.py``."""
        (self.folder / f"{name}.py").write_text(source)
        self.timed([*self.flow(name), "dagster", "create", f"{name}_defs.py", *options])

    def flow(self, name: str) -> list[str]:
        return [sys.executable, f"{name}.py", "--quiet", "--no-pylint"]

    def native(self, name: str, *options: str) -> list[str]:
        return [*self.flow(name), "run", *options]

    def job(self, name: str, job: str) -> list[str]:
        command = [sys.executable, "-m", "dagster", "job", "execute"]
        return [*command, "-f", f"{name}_defs.py", "-j", job]

    def compare(
        self, base: Sequence[str], ours: Sequence[str], runs: int = 99
    ) -> tuple[float, float]:
        """Median seconds of two commands that take turns (`alternate`)."""
        return self.alternate(lambda: self.timed(base), lambda: self.timed(ours), runs)

    def alternate(
        self, base: Callable[[], float], ours: Callable[[], float], runs: int = 99
    ) -> tuple[float, float]:
        """Medians of two measurements that take turns.

        Args:
            runs: How many of each are enough: 1 where there is little scatter, as in CPU time.
                Only more than one have an uncounted one before them.
        """
        runs = min(runs, self.runs)
        if runs > 1:
            base()
            ours()
        figures: tuple[list[float], list[float]] = ([], [])
        for _ in range(runs):
            for figure, measure in zip(figures, (base, ours), strict=True):
                figure.append(measure())
        return statistics.median(figures[0]), statistics.median(figures[1])

    def timed(self, command: Sequence[str], fails: bool = False) -> float:
        """Wall-clock seconds of a command, which must succeed, or fail if it is to."""
        began = time.perf_counter()
        done = subprocess.run(
            command, cwd=self.folder, env=self.env, capture_output=True, text=True
        )
        if bool(done.returncode) != fails:
            tail = done.stdout[-2000:] + done.stderr[-4000:]
            sys.exit(f"{' '.join(command)} ended with {done.returncode}:\n{tail}")
        return time.perf_counter() - began

    def cpu(self, command: Sequence[str]) -> float:
        """Seconds of user and system time of a command and all that it starts.

        Linux counts a process for the one that waits for it, so this process adopts what outlives
        its parent.
        """
        _adopt_orphans()
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        self.timed(command)
        with contextlib.suppress(ChildProcessError):
            while True:
                os.wait()
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    def run_worker(self, command: Sequence[str]) -> tuple[float, float]:
        """Seconds of a command, and the most MiB that it held itself.

        Not what ``wait4`` tells at its end, which is the most of it and of those that it waited
        for, such as the task of a join, which loads all of its inputs.
        """
        began = time.perf_counter()
        most = self._most(command, _peak)
        return time.perf_counter() - began, most

    def memory(self, command: Sequence[str]) -> float:
        """The most MiB that a command and all that it starts hold at one time.

        Shared pages are counted once: it is the sum of the proportional set sizes.
        """
        return self._most(command, lambda pid: sum(map(_pss, _tree(pid))))

    def _most(self, command: Sequence[str], size: Callable[[int], int]) -> float:
        """The most MiB that are seen while a command runs; `size` gives KiB, by its process."""
        quiet = subprocess.DEVNULL
        proc = subprocess.Popen(command, cwd=self.folder, env=self.env, stdout=quiet, stderr=quiet)
        most = 0
        ended = threading.Event()

        def watch() -> None:
            nonlocal most
            while not ended.wait(_SAMPLE):
                most = max(most, size(proc.pid))

        watcher = threading.Thread(target=watch)
        watcher.start()
        code = proc.wait()
        ended.set()
        watcher.join()
        if code:
            sys.exit(f"{' '.join(command)} failed")
        return most / 1024


def _adopt_orphans() -> None:
    """Make this process the parent of descendants whose own parent ends (prctl(2), Linux)."""
    set_child_subreaper = 36
    ctypes.CDLL(None).prctl(set_child_subreaper, 1, 0, 0, 0)


def _tree(root: int) -> list[int]:
    """A process and its descendants."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rsplit(")", 1)[1].split()
            except OSError:
                continue  # it has ended
            children.setdefault(int(fields[1]), []).append(int(entry.name))
    found, queue = [], [root]
    while queue:
        pid = queue.pop()
        found.append(pid)
        queue += children.get(pid, [])
    return found


def _pss(pid: int) -> int:
    """Proportional set size in KiB; 0 of a process that has ended."""
    return _size(pid, "smaps_rollup", "Pss:")


def _peak(pid: int) -> int:
    """The most KiB that a process has held so far; 0 if it has ended."""
    return _size(pid, "status", "VmHWM:")


def _size(pid: int, file: str, name: str) -> int:
    try:
        for line in Path(f"/proc/{pid}/{file}").read_text().splitlines():
            if line.startswith(name):
                return int(line.split()[1])
    except OSError:
        return 0
    return 0
