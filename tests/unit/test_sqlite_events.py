"""Events that are written over the kept connection are those that Dagster itself would write."""

import os
import sqlite3
import time

import pytest
from dagster import (
    AssetKey,
    AssetMaterialization,
    DagsterEvent,
    DagsterEventType,
    DagsterInstance,
    EventLogEntry,
)
from dagster._core.events import StepMaterializationData

from metaflow_extensions.dagster.executor.sqlite_events import _PLAIN, keep_connection


@pytest.fixture
def instance(tmp_path):
    with DagsterInstance.local_temp(str(tmp_path)) as instance:
        yield instance


def _entry(run_id, kind, data=None):
    event = None
    if kind is not None:
        event = DagsterEvent(DagsterEventType.STEP_START.value, "job", step_key="op[3]")
        event = event._replace(event_type_value=kind.value, event_specific_data=data)
    at = 1700000000.123456
    return EventLogEntry(None, 10, "it's \N{SNOWMAN}\n", run_id, at, "op[3]", "job", event)


def _rows(storage, run_id):
    """All columns of a run's events but the run, as another process would read them now."""
    with sqlite3.connect(storage.path_for_shard(run_id)) as connection:
        rows = connection.execute("SELECT * FROM event_logs ORDER BY id").fetchall()
    connection.close()
    return [tuple(str(cell).replace(run_id, "RUN") for cell in row) for row in rows]


def test_the_rows_are_dagsters(instance):
    storage = instance.event_log_storage
    data = StepMaterializationData(AssetMaterialization(AssetKey("asset")))
    kinds = [None, *sorted(_PLAIN, key=lambda kind: kind.value)]
    for run_id in ("theirs", "ours"):
        storage.store_event(_entry(run_id, DagsterEventType.STEP_START))
    for kind in kinds:
        storage.store_event(_entry("theirs", kind))
    storage.store_event(_entry("theirs", DagsterEventType.ASSET_MATERIALIZATION, data))
    with keep_connection(instance, "ours"):
        for count, kind in enumerate(kinds):
            storage.store_event(_entry("ours", kind))
            assert len(_rows(storage, "ours")) == count + 2
        storage.store_event(_entry("ours", DagsterEventType.ASSET_MATERIALIZATION, data))
        storage.store_event(_entry("other", None))
        assert len(storage.get_logs_for_run("ours")) == len(kinds) + 2
    assert _rows(storage, "theirs") == _rows(storage, "ours")
    assert len(_rows(storage, "other")) == 1
    assert len(instance.fetch_materializations(AssetKey("asset"), limit=9).records) == 2
    assert not {"_connect", "store_event"} & vars(storage).keys()


def test_a_killed_process_has_written_all_its_events(instance):
    storage = instance.event_log_storage
    storage.store_event(_entry("run", None))
    pid = os.fork()
    if pid == 0:
        with keep_connection(instance, "run"):
            for _ in range(20):
                storage.store_event(_entry("run", DagsterEventType.STEP_START))
            os.kill(os.getpid(), 9)
            time.sleep(60)
    os.waitpid(pid, 0)
    assert len(_rows(storage, "run")) == 21
    assert len(storage.get_logs_for_run("run")) == 21
