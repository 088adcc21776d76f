"""A sensor opens Dagster's instance at its first tick and keeps it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from dagster import DagsterInstance
from events.conftest import load
from events.flows import ONE


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[DagsterInstance]:
    """One with databases, which ticks of the daemon open by what refers to it."""
    with DagsterInstance.local_temp(str(tmp_path)) as instance:
        yield instance


def test_only_the_first_tick_opens_the_instance(deploy, sensor, end_run, monkeypatch):
    after = sensor(load(deploy(ONE).folder / "defs.py"), "OneFlow_on_finish_0")
    monkeypatch.delattr(DagsterInstance, "from_ref")
    first = end_run("UpFlow")
    assert [request.run_key for request in after.tick()] == [first.run_id]
    assert after.tick() == []
