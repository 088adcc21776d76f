"""Faster event writing where the instance keeps its events in SQLite, which is the default.

Dagster opens a database for every event, compiles the statement anew, has the disk confirm each
write, and makes SQLite copy its journal back on every close: 2 ms of CPU and some of waiting an
event, ten events a step. Over one connection for the run, with a statement that is compiled once,
the same writes take 0.1 ms.

Each event is still a transaction of its own, which readers see at once and which outlives a killed
process. What the disk has not confirmed is lost only with the machine, as are the last files of
Metaflow's local datastore, which never asks for that: an event that outlived what it tells of would
be worse than none. The end of the run is confirmed with all that was before it.
"""

import os
from collections.abc import Callable, Generator, Mapping
from contextlib import AbstractContextManager, contextmanager
from functools import cache
from typing import Any

from dagster import DagsterEventType, DagsterInstance, EventLogEntry
from sqlalchemy import create_engine
from sqlalchemy.engine import Connection
from sqlalchemy.pool import StaticPool

from ._dagster_internals import SqlEventLogStorageTable, SqliteEventLogStorage

_BUSY_SECONDS = 30  # as SQLITE_BUSY_TIMEOUT_SECONDS in dagster/_core/storage/sqlite.py
# Parts of the storage that stand in for each other here; other storages are left alone.
_PARTS = (
    "_connect",
    "_db_lock",
    "_event_to_row",
    "_initialized_dbs",
    "conn_string_for_shard",
    "path_for_shard",
)
# Events that are one row in the run's database and nothing else (`store_event` in
# dagster/_core/storage/event_log/sqlite/sqlite_event_log.py); Dagster stores all others itself.
_PLAIN = frozenset(
    {
        DagsterEventType.ENGINE_EVENT,
        DagsterEventType.HANDLED_OUTPUT,
        DagsterEventType.LOADED_INPUT,
        DagsterEventType.LOGS_CAPTURED,
        DagsterEventType.STEP_FAILURE,
        DagsterEventType.STEP_INPUT,
        DagsterEventType.STEP_OUTPUT,
        DagsterEventType.STEP_RESTARTED,
        DagsterEventType.STEP_SKIPPED,
        DagsterEventType.STEP_START,
        DagsterEventType.STEP_SUCCESS,
        DagsterEventType.STEP_UP_FOR_RETRY,
    }
)


@contextmanager
def keep_connection(instance: DagsterInstance, run_id: str) -> Generator[None, None, None]:
    """Write the events of a run over one connection until the context ends."""
    storage: Any = instance.event_log_storage
    if not _is_replaceable(storage, run_id):
        yield
        return
    engine = create_engine(
        storage.conn_string_for_shard(run_id),
        poolclass=StaticPool,
        connect_args={"timeout": _BUSY_SECONDS, "check_same_thread": False},
    )
    kept = engine.connect()
    _spare_the_disk(kept)
    path = storage.path_for_shard(run_id)
    open_anew = storage._connect

    @contextmanager
    def connect(shard: str) -> Generator[Connection, None, None]:
        if shard != run_id:
            with open_anew(shard) as connection:
                yield connection
            return
        with turn(), kept.begin():
            yield kept

    @contextmanager
    def turn() -> Generator[None, None, None]:
        """Write alone, and have it noticed."""
        with storage._db_lock:
            yield
        # The webserver watches this file, but SQLite writes to its journal while it is open.
        os.utime(path)

    storage._connect = connect
    storage.store_event = _store(storage, _Insert(kept), turn, run_id)
    try:
        yield
    finally:
        with storage._db_lock:
            del storage._connect, storage.store_event
            kept.close()
            engine.dispose()


def _spare_the_disk(connection: Connection) -> None:
    """Do not wait for the disk on each commit, where a crash cannot damage the database by that.

    Source: https://www.sqlite.org/pragma.html#pragma_synchronous
    """
    with connection.begin():
        if connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal":
            connection.exec_driver_sql("PRAGMA synchronous=NORMAL")


class _Insert:
    """Stores rows of events over a connection, each in a transaction of its own.

    SQLite is given the statement itself: SQLAlchemy would take longer to lead there.
    """

    def __init__(self, connection: Connection) -> None:
        self._dialect = connection.dialect
        pooled: Any = connection.connection
        # SQLAlchemy before 1.4.24 has it under another name.
        self._sqlite: Any = getattr(pooled, "driver_connection", None) or pooled.connection
        self._compiled = cache(self._compile)

    def __call__(self, row: Mapping[str, Any]) -> None:
        statement, converters = self._compiled(tuple(row))
        values = [convert(row[name]) for name, convert in converters]
        with self._sqlite:
            self._sqlite.execute(statement, values)

    def _compile(self, names: tuple[str, ...]) -> tuple[str, list[tuple[str, Any]]]:
        """The statement for these columns, and what makes SQLite's value of each, in its order."""
        table: Any = SqlEventLogStorageTable
        dialect = self._dialect
        compiled = table.insert().values(dict.fromkeys(names)).compile(dialect=dialect)
        converters: list[tuple[str, Any]] = [
            (name, table.c[name].type.dialect_impl(dialect).bind_processor(dialect) or _same)
            for name in compiled.positiontup
        ]
        return str(compiled), converters


def _same(value: Any) -> Any:
    return value


def _store(
    storage: Any,
    insert: _Insert,
    turn: Callable[[], AbstractContextManager[None]],
    run_id: str,
) -> Callable[[EventLogEntry], None]:
    """`store_event` with one statement for all plain events of the run."""
    store_anew = storage.store_event

    def store_event(event: EventLogEntry) -> None:
        is_plain = not event.is_dagster_event or event.dagster_event_type in _PLAIN
        if not is_plain or event.run_id != run_id:
            store_anew(event)
            return
        row = storage._event_to_row(event)
        with turn():
            insert(row)

    return store_event


def _is_replaceable(storage: Any, run_id: str) -> bool:
    """Whether this is Dagster's own SQLite storage, with the run's database there already.

    A second run that shares the storage object with the first one goes without.
    """
    return (
        type(storage) is SqliteEventLogStorage
        and all(hasattr(storage, part) for part in _PARTS)
        and "_connect" not in vars(storage)
        and run_id in storage._initialized_dbs
    )
