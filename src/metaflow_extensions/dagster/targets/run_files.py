"""Deletes what a run has left in an instance beside its record and its events. Imports Dagster.

``DagsterInstance.delete_run`` leaves three empty or small files for each step, and a database of
the size that the run once needed where the events are in SQLite.
"""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from dagster import DagsterInstance

from ..errors import DagsterRunError
from .run_locks import log_path, remove_stale

_BUSY_SECONDS = 30


def delete_run(instance: DagsterInstance, home: str, run_id: str) -> None:
    """Delete a run: its files, its record and its events.

    The files go first: if that fails, the run is still there to be deleted once more.

    Args:
        instance: What has the run.
        home: The instance's folder.
        run_id: Dagster's id of the run.

    Raises:
        DagsterRunError: its files cannot be deleted, and why.
    """
    try:
        _delete_files(instance, home, run_id)
    except Exception as error:  # captured logs may be in any store, with exceptions of its own
        raise DagsterRunError(
            f"The files of run {run_id} cannot be deleted ({error}). The run stays: fix that, "
            "and prune again."
        ) from error
    instance.delete_run(run_id)
    # Only the storage in SQLite has it: a database for each run.
    path_of: Any = getattr(instance.event_log_storage, "path_for_shard", None)
    if path_of and Path(database := path_of(run_id)).is_file():
        # Another process may have it open: it is made small, not deleted. While one reads it,
        # it stays large.
        with (
            suppress(sqlite3.OperationalError),
            closing(sqlite3.connect(database, timeout=_BUSY_SECONDS)) as connection,
        ):
            connection.execute("VACUUM")


def _delete_files(instance: DagsterInstance, home: str, run_id: str) -> None:
    logs = instance.compute_log_manager
    # A key ends with the step: without it, it is what the keys of all steps begin with.
    logs.delete_logs(prefix=logs.build_log_key_for_run(run_id, "")[:-1])
    folder = Path(instance.storage_directory(), run_id)
    with suppress(FileNotFoundError):
        shutil.rmtree(folder / "cards")
    with suppress(OSError):
        folder.rmdir()  # others may keep outputs of the run there
    Path(log_path(home, run_id)).unlink(missing_ok=True)
    remove_stale(home, run_id)
