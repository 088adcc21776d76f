"""Less work for Dagster's telemetry, which is on unless an instance turns it off.

It notes each start and end of a step together with the id of the run storage, for which Dagster
asks the database each time (``_get_instance_telemetry_info`` in dagster/_core/telemetry.py), over a
new connection, while the executor's main thread waits: 1 ms on SQLite, more on PostgreSQL.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from functools import cache
from typing import Any

from dagster import DagsterInstance


@contextmanager
def ask_for_storage_id_once(instance: DagsterInstance) -> Generator[None, None, None]:
    """Keep the id of the run storage, which never changes, until the context ends."""
    storage: Any = instance.run_storage
    # A storage of another kind has none; another run of this process may keep it already.
    if not hasattr(storage, "get_run_storage_id") or "get_run_storage_id" in vars(storage):
        yield
        return
    storage.get_run_storage_id = cache(storage.get_run_storage_id)
    try:
        yield
    finally:
        del storage.get_run_storage_id
