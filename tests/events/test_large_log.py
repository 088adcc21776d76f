"""A sensor's tick costs the same however long Dagster's event log is. Slow."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path
from statistics import median

import pytest
from dagster import AssetKey, AssetMaterialization, DagsterInstance
from events.conftest import Sensor, load
from events.flows import ONE

pytestmark = pytest.mark.slow

ROWS = 100_000


def multiply(path: Path, rows: int) -> None:
    """Copy the rows of an event log until it has as many."""
    with sqlite3.connect(path) as database:
        columns = [row[1] for row in database.execute("pragma table_info(event_logs)")]
        names = ", ".join(name for name in columns if name != "id")
        (have,) = database.execute("select count(*) from event_logs").fetchone()
        while have < rows:
            database.execute(
                f"insert into event_logs ({names}) select {names} from event_logs limit ?",
                (rows - have,),
            )
            (have,) = database.execute("select count(*) from event_logs").fetchone()
    database.close()


@pytest.mark.parametrize("name", ["OneFlow_event_0", "OneFlow_on_finish_0"])
def test_ticks_stay_flat(deploy, tmp_path, end_run, name, instance):
    module = load(deploy(ONE).folder / "defs.py")
    key = AssetKey(["metaflow", "events", "data.ready"])

    def fill() -> None:
        for n in range(5):
            event = AssetMaterialization(key, metadata={"n": n})
            instance.report_runless_asset_event(event)
            end_run("UpFlow")

    def measure(sensor: Sensor) -> tuple[float, float]:
        """Seconds of a tick that finds nothing, and of one that finds five events."""
        idle, busy = [], []
        for _ in range(7):
            began = time.perf_counter()
            assert sensor.tick() == []
            idle.append(time.perf_counter() - began)
        for _ in range(5):
            fill()
            began = time.perf_counter()
            assert len(sensor.tick()) == 5
            busy.append(time.perf_counter() - began)
        return median(idle), median(busy)

    sensor = Sensor(getattr(module, name), instance)
    sensor.tick()
    fill()
    assert len(sensor.tick()) == 5
    short = measure(sensor)
    multiply(tmp_path / "history" / "runs" / "index.db", ROWS)
    fresh = Sensor(getattr(module, name), instance)
    began = time.perf_counter()
    fresh.tick()
    first = time.perf_counter() - began
    while sensor.tick():
        pass
    long = measure(sensor)
    print(f"\n{name}: idle {short[0] * 1e3:.1f} -> {long[0] * 1e3:.1f} ms")
    print(f"five events {short[1] * 1e3:.1f} -> {long[1] * 1e3:.1f} ms, first {first * 1e3:.1f} ms")
    assert long[0] < 2 * short[0] + 0.02
    assert long[1] < 2 * short[1] + 0.05


@pytest.fixture
def instance(tmp_path):
    with DagsterInstance.local_temp(str(tmp_path)) as instance:
        yield instance
