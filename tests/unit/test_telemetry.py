"""What a run asks Dagster's run storage for on behalf of Dagster's telemetry."""

import pytest
from dagster import DagsterInstance
from sqlalchemy import event
from sqlalchemy.engine import Engine

from metaflow_extensions.dagster.executor.telemetry import ask_for_storage_id_once


@pytest.fixture
def instance(tmp_path):
    with DagsterInstance.local_temp(str(tmp_path)) as instance:
        yield instance


@pytest.fixture
def asked():
    """The statements that ask for the id."""
    found = []

    def note(connection, cursor, statement, *_):
        if "run_storage_id" in statement:
            found.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    yield found
    event.remove(Engine, "before_cursor_execute", note)


def test_a_run_asks_once_for_the_id_of_the_storage(instance, asked):
    storage = instance.run_storage
    there = storage.get_run_storage_id()
    before = len(asked)
    with ask_for_storage_id_once(instance):
        with ask_for_storage_id_once(instance):  # another run of the process
            assert storage.get_run_storage_id() == there
        assert storage.get_run_storage_id() == there
    assert len(asked) == before + 1
    assert storage.get_run_storage_id() == there
    assert len(asked) == before + 2
