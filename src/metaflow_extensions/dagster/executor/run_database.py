"""The database of a run's events, made at once where the instance keeps its events in SQLite.

Dagster has the disk confirm each of some twenty statements, and reads all of its migrations twice:
60 ms of CPU and often more of waiting, before a run's first event. A run's database has the tables
of the index database beside it, so it is made in one transaction, as a copy of those, and confirmed
once. Where anything is not as this Dagster would make it, Dagster makes it itself.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from dagster import DagsterInstance

from ._dagster_internals import SqlEventLogStorageMetadata, SqliteEventLogStorage

_VERSIONS = "alembic_version"  # the table with the migration that a database has come to
_INDEX = "index"  # INDEX_SHARD_NAME in dagster/_core/storage/event_log/sqlite
# Parts of the storage that stand in for each other here; other storages are left alone.
_PARTS = ("_initdb", "path_for_shard")


def make_databases_quickly(instance: DagsterInstance) -> None:
    """Have the databases of runs that begin in this process made at once."""
    storage: Any = instance.event_log_storage
    if not _is_replaceable(storage):
        return
    index = storage.path_for_shard(_INDEX)
    make_anew = storage._initdb

    def make(engine: Any, for_index_shard: bool = False) -> None:
        path = engine.url.database
        with suppress(OSError, sqlite3.Error):  # Dagster meets the same error, or can do it
            if path != index and not os.path.exists(path) and _copy_tables(index, path):
                return
        make_anew(engine, for_index_shard)

    storage._initdb = make


def _is_replaceable(storage: Any) -> bool:
    """Whether this is Dagster's own SQLite storage, as it was made."""
    return (
        type(storage) is SqliteEventLogStorage
        and all(hasattr(storage, part) for part in _PARTS)
        and "_initdb" not in vars(storage)
    )


def _copy_tables(index: str, path: str) -> bool:
    """Make a database with the tables of another one; False if those are not today's."""
    with closing(sqlite3.connect(f"{Path(index).as_uri()}?mode=ro", uri=True)) as source:
        if sorted(_columns(source)) != sorted(_wanted_columns()):
            return False
        versions = source.execute(f"SELECT version_num FROM {_VERSIONS}").fetchall()
        made = source.execute(
            "SELECT sql FROM sqlite_master WHERE sql NOT NULL AND name NOT LIKE 'sqlite_%' "
            "ORDER BY type DESC"  # tables before indexes
        ).fetchall()
    if len(versions) != 1:
        return False
    scratch = f"{path}.{os.getpid()}"
    try:
        with closing(sqlite3.connect(scratch, isolation_level=None)) as target:
            target.execute("PRAGMA synchronous=OFF")
            target.execute("PRAGMA journal_mode=WAL")
            target.execute("BEGIN")
            for (statement,) in made:
                target.execute(statement)
            target.execute(f"INSERT INTO {_VERSIONS} VALUES (?)", versions[0])
            target.execute("COMMIT")
        _confirm(scratch)
        os.link(scratch, path)  # which fails where another process was quicker
    finally:
        with suppress(FileNotFoundError):
            os.unlink(scratch)
    return True


def _confirm(path: str) -> None:
    """Wait until the disk has a file."""
    with open(path, "rb") as file:
        os.fsync(file.fileno())


def _columns(database: sqlite3.Connection) -> Iterator[tuple[str, str]]:
    """What the tables of a database have: columns, and indexes."""
    found = database.execute("SELECT type, name, tbl_name FROM sqlite_master").fetchall()
    for kind, name, table in found:
        if name.startswith("sqlite_") or table == _VERSIONS:
            continue
        if kind == "table":
            for column in database.execute(f'PRAGMA table_info("{name}")'):
                yield table, column[1]
        else:
            yield table, f"{kind} {name}"


def _wanted_columns() -> Iterator[tuple[str, str]]:
    """The same of the tables that this Dagster would make."""
    for table in SqlEventLogStorageMetadata.tables.values():
        for column in table.columns:
            yield table.name, column.name
        for index in table.indexes:
            yield table.name, f"index {index.name}"
