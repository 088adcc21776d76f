"""Databases of runs that are made at once are those that Dagster itself would make."""

import os
import sqlite3
from contextlib import closing

import pytest
from dagster import DagsterEvent, DagsterEventType, DagsterInstance, EventLogEntry

from metaflow_extensions.dagster.executor import run_database
from metaflow_extensions.dagster.executor.run_database import make_databases_quickly


@pytest.fixture
def instance(tmp_path):
    home = tmp_path / "home #1"
    home.mkdir()
    with DagsterInstance.local_temp(str(home)) as instance:
        yield instance


def _open(storage, run_id):
    with storage.run_connection(run_id):
        pass
    with closing(sqlite3.connect(storage.path_for_shard(run_id))) as database:
        mode = database.execute("PRAGMA journal_mode").fetchall()
        return mode, sorted(database.iterdump())


@pytest.fixture
def copies(monkeypatch):
    """Whether each database was made as a copy."""
    made = []
    copy = run_database._copy_tables

    def watched(index, path):
        made.append(copy(index, path))
        return made[-1]

    monkeypatch.setattr(run_database, "_copy_tables", watched)
    return made


def test_a_database_is_the_one_that_dagster_makes(instance, copies):
    storage = instance.event_log_storage
    theirs = _open(storage, "theirs")
    make_databases_quickly(instance)
    make_databases_quickly(instance)  # another run in the same process
    assert _open(storage, "ours") == theirs
    assert copies == [True]
    event = DagsterEvent(DagsterEventType.STEP_START.value, "job", step_key="step")
    storage.store_event(EventLogEntry(None, 10, "", "ours", 1.0, "step", "job", event))
    assert len(storage.get_logs_for_run("ours")) == 1
    names = os.listdir(os.path.dirname(storage.path_for_shard("ours")))
    assert not [name for name in names if not name.endswith((".db", "-wal", "-shm"))]


@pytest.mark.parametrize(
    "change",
    [
        "ALTER TABLE event_logs ADD COLUMN later TEXT",
        "DROP INDEX idx_step_key",
        "DROP TABLE asset_keys",
        "CREATE TABLE later (id INTEGER)",
        "DELETE FROM alembic_version",
        "DROP TABLE alembic_version",
    ],
)
def test_dagster_makes_it_where_the_index_is_of_another_version(instance, copies, change):
    storage = instance.event_log_storage
    theirs = _open(storage, "theirs")
    with closing(sqlite3.connect(storage.path_for_shard("index"))) as database:
        database.execute(change)
        database.commit()
    make_databases_quickly(instance)
    assert _open(storage, "ours") == theirs
    assert copies in ([False], [])


def test_a_database_that_is_there_is_left_alone(instance, copies):
    storage = instance.event_log_storage
    theirs = _open(storage, "run")
    storage._initialized_dbs.clear()
    make_databases_quickly(instance)
    assert _open(storage, "run") == theirs
    assert copies == []


def test_other_storages_are_left_alone():
    with DagsterInstance.ephemeral() as instance:
        before = dict(vars(instance.event_log_storage))
        make_databases_quickly(instance)
        assert vars(instance.event_log_storage) == before
