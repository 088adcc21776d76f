"""Faster event writing where the instance keeps its events in PostgreSQL.

Dagster's storage opens a connection for each statement, so that idle processes hold none: some 7 ms
an event for a PostgreSQL on the same machine, ten events a step, and more over a network. Here the
connections of a run are kept between events, and closed when there has been none for a while.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

from dagster import DagsterInstance
from sqlalchemy import event
from sqlalchemy.engine import Engine
from sqlalchemy.pool import NullPool, QueuePool

IDLE_SECONDS = 5.0
"""After so long without an event, a run holds no connection."""
_KEPT = 4  # events of steps that run at the same time are written at the same time
# What is private of SQLAlchemy's pools; `QueuePool.recreate` makes another pool from the same.
_PARTS = ("_creator", "_dialect", "dispatch")


@contextmanager
def pool_connections(instance: DagsterInstance) -> Generator[None, None, None]:
    """Keep the connections of the instance's event log open between events, inside the context."""
    engine: Any = getattr(instance.event_log_storage, "_engine", None)
    if not _is_replaceable(engine):
        yield
        return
    alone = engine.pool
    # A server that was restarted has closed them: each is tried before it is used again.
    engine.pool = pool = QueuePool(
        alone._creator,
        pool_size=_KEPT,
        max_overflow=-1,
        use_lifo=True,
        pre_ping=True,
        dialect=alone._dialect,
        _dispatch=alone.dispatch,
    )
    used = _LastUse(pool)
    ended = threading.Event()
    closes = threading.Thread(target=_close_idle, args=(engine, used, ended), daemon=True)
    closes.start()
    try:
        yield
    finally:
        ended.set()
        closes.join()
        kept, engine.pool = engine.pool, alone
        kept.dispose()


class _LastUse:
    """When a pool last got a connection back."""

    def __init__(self, pool: Any) -> None:
        self.at = time.monotonic()
        event.listen(pool, "checkin", self._note)

    def _note(self, *_: object) -> None:
        self.at = time.monotonic()


def _close_idle(engine: Engine, used: _LastUse, ended: threading.Event) -> None:
    while not ended.wait(IDLE_SECONDS / 2):
        if time.monotonic() - used.at > IDLE_SECONDS:
            engine.dispose()  # those in use are not touched


def _is_replaceable(engine: Any) -> bool:
    """Whether an engine connects to PostgreSQL anew for each statement."""
    return (
        isinstance(engine, Engine)
        and isinstance(engine.pool, NullPool)
        and engine.dialect.name == "postgresql"
        and all(hasattr(engine.pool, part) for part in _PARTS)
    )
