"""Which runs have a living process on this machine. Imports no Dagster.

A run's process holds a lock on the file ``workers/<Dagster run id>`` in the home
folder, with its process id in it. The system gives the lock up when the process ends, in whatever
way, so the file tells a run that goes on from one whose process was killed.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Generator
from contextlib import contextmanager


@contextmanager
def hold_run_lock(home: str, run_id: str) -> Generator[None]:
    """Be the process of a run; the file goes when the run has ended in order."""
    path = _path(home, run_id)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        # A record lock belongs to this process alone: children of a fork do not keep it.
        fcntl.lockf(file, fcntl.LOCK_EX)
        file.write(str(os.getpid()))
        file.flush()
        yield
        os.unlink(path)


def process_of(home: str, run_id: str) -> int | None:
    """The id of a run's process: 0 if it has died, None if it was never on this machine."""
    path = _path(home, run_id)
    try:
        with open(path, "r+", encoding="utf-8") as file:
            try:
                fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                return int(file.read() or 0) or None
            return 0
    except FileNotFoundError:
        return None


def remove_stale(home: str, run_id: str) -> None:
    """Remove what a dead process left."""
    try:
        os.unlink(_path(home, run_id))
    except FileNotFoundError:
        return


def log_path(home: str, run_id: str) -> str:
    """Where a detached run's process writes."""
    return os.path.join(home, "workers", f"{run_id}.log")


def _path(home: str, run_id: str) -> str:
    return os.path.join(home, "workers", run_id)
