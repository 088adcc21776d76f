"""``@trigger``: which published events start which runs, with which parameters."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from dagster import (
    AssetKey,
    AssetMaterialization,
    MetadataValue,
    TableColumn,
    TableSchema,
    validate_run_config,
)
from events.conftest import load, triggered_by
from events.flows import ARRIVED, ONE, TWO
from support.needs import NAMESPACED_EVENTS, needs


@pytest.fixture
def publish(instance) -> Callable[..., None]:
    """Write an event to the log as the webserver does, its metadata being the payload."""

    def write(name: str, **payload: Any) -> None:
        key = AssetKey(["metaflow", "events", name])
        instance.report_runless_asset_event(AssetMaterialization(key, metadata=payload))

    return write


def config_of(request, op: str = "op_start") -> dict[str, Any]:
    return request.run_config["ops"][op]["config"] if request.run_config else {}


def test_each_event_starts_one_run_in_order(deploy, sensor, publish):
    module = load(deploy(ONE).folder / "defs.py")
    event = sensor(module, "OneFlow_event_0")
    for n in range(7):
        publish("data.ready", n=n)
        publish("something.else", n=n)
    requests = event.tick()
    assert [config_of(request) for request in requests] == [{"n": n} for n in range(7)]
    assert len({request.run_key for request in requests}) == 7
    assert event.tick() == []
    assert event.skipped == "No new event data.ready."


def test_fields_become_what_the_config_takes(deploy, sensor, publish):
    module = load(deploy(ONE).folder / "defs.py")
    event = sensor(module, "OneFlow_event_0")
    publish("data.ready", n="3", rate="1.5", on="yes", window={"days": 2}, label=["x", "y"])
    publish("data.ready", parts=["x", " y", 3])
    publish("data.ready", parts="x,y")
    publish("data.ready", n=4.0, rate=2, on=True, window='{"days": 2}', label='["x"]')
    publish("data.ready", n=None, **{"max-n": 10, "unknown": 1})
    publish("data.ready")
    requests = event.tick()
    assert [config_of(request) for request in requests] == [
        {"n": 3, "rate": 1.5, "on": True, "window": {"days": 2}, "label": ["x", "y"]},
        {"parts": "x, y,3"},
        {"parts": "x,y"},
        {"n": 4, "rate": 2.0, "on": True, "window": '{"days": 2}', "label": ["x"]},
        {"max-n": "10"},
        {},
    ]
    for request in requests:
        assert validate_run_config(module.OneFlow, request.run_config or {})


@pytest.mark.parametrize(
    ("payload", "problem"),
    [
        ({"n": "many"}, "field 'n' cannot set parameter 'n': it takes a whole number, not 'many'"),
        ({"n": 1.5}, "it takes a whole number, not 1.5"),
        ({"n": True}, "it takes a whole number, not True"),
        ({"n": [1]}, "it takes a whole number, not [1]"),
        ({"rate": "fast"}, "it takes a finite number, not 'fast'"),
        ({"rate": "inf"}, "it takes a finite number, not 'inf'"),
        ({"on": "perhaps"}, "it takes true or false, not 'perhaps'"),
        ({"on": 3}, "it takes true or false, not 3"),
        ({"window": "{"}, "it takes JSON, not '{'"),
        ({"label": "x"}, "it takes JSON, not 'x'"),
        ({"label": 3}, "it takes a list, not 3"),
        ({"label": []}, "it takes at least one value"),
        ({"parts": []}, "it takes values without ',', at least one, not []"),
        ({"parts": ["a,b", "c"]}, "it takes values without ',', at least one, not ['a,b', 'c']"),
    ],
)
def test_a_bad_payload_is_reported_and_left_out(deploy, sensor, publish, payload, problem):
    event = sensor(load(deploy(ONE).folder / "defs.py"), "OneFlow_event_0")
    publish("data.ready", **payload)
    assert event.tick() == []
    assert event.skipped.startswith("Event data.ready (dagster-event-")
    assert problem in event.skipped
    publish("data.ready", n=2)
    publish("data.ready", **payload)
    publish("data.ready", n=3)
    assert [config_of(request) for request in event.tick()] == [{"n": 2}, {"n": 3}]
    assert problem in json.loads(event.cursor)["left_out"][0]
    assert event.tick() == []
    assert problem in event.skipped
    assert event.tick() == []
    assert event.skipped == "No new event data.ready."


def test_metadata_that_is_no_json_does_not_stop_the_sensor(deploy, sensor, publish):
    event = sensor(load(deploy(ONE).folder / "defs.py"), "OneFlow_event_0")
    columns = MetadataValue.table_schema(TableSchema([TableColumn("x")]))
    publish("data.ready", n=1, columns=columns, ratio=math.nan)
    (request,) = event.tick()
    assert config_of(request) == {"n": 1}


@needs(NAMESPACED_EVENTS)
def test_a_required_field(deploy, sensor, publish):
    module = load(deploy(ARRIVED).folder / "defs.py")
    event = sensor(module, "shop__user__tester__ArrivedFlow_event_0")
    name = "mfns.shop.user.tester.arrived"
    publish(name, count=1)
    publish("mfns.shop.prod.arrived", date="2026-01-01")
    publish("arrived", date="2026-01-01")
    assert event.tick() == []
    assert "field 'date' is absent and parameter 'day' needs it" in event.skipped
    publish(name, date=20260101, me="y")
    (request,) = event.tick()
    assert config_of(request) == {"day": "20260101", "param_self": "y"}
    assert validate_run_config(module.shop__user__tester__ArrivedFlow, request.run_config)


def test_several_events_mean_all_of_them(deploy, sensor, publish):
    event = sensor(load(deploy(TWO).folder / "defs.py"), "TwoFlow_event_0")
    publish("left", x=1)
    assert event.tick() == []
    assert event.skipped == "No new event right."
    publish("left", x=2)
    publish("right")
    publish("right")
    (request,) = event.tick()
    assert config_of(request) == {"n": 2}
    assert [one["name"] for one in triggered_by(request)] == ["left", "right"]
    assert request.tags["metaflow/triggered_by"] == "left, right"
    publish("left", x="bad")
    assert event.tick() == []
    publish("left", x=3)
    assert [config_of(request) for request in event.tick()] == [{"n": 3}]


def test_arrivals_are_forgotten_at_the_reset(deploy, sensor, publish, monkeypatch):
    """At noon in Zurich; each event bears its publisher's time."""
    event = sensor(load(deploy(TWO).folder / "defs.py"), "TwoFlow_event_0")
    zone = ZoneInfo("Europe/Zurich")
    real = time.time

    def at(hour: int, name: str, **payload: Any) -> None:
        moment = datetime(2027, 3, 28, hour, tzinfo=zone).timestamp()
        monkeypatch.setattr(time, "time", lambda: moment)
        publish(name, **payload)
        monkeypatch.setattr(time, "time", real)

    at(9, "left", x=1)
    at(13, "right")
    assert event.tick() == []
    assert event.skipped == "No new event left."
    at(14, "left", x=2)
    assert [config_of(request) for request in event.tick()] == [{"n": 2}]
    at(15, "left", x=3)
    at(16, "right")
    assert [config_of(request) for request in event.tick()] == [{"n": 3}]


def test_no_more_than_a_limit_a_tick(deploy, sensor, publish):
    module = load(deploy(TWO).folder / "defs.py")
    module._RECORDS_A_TICK = 4
    event = sensor(module, "TwoFlow_event_0")
    for n in range(5):
        publish("left", x=n)
    for _ in range(5):
        publish("right")
    ticks = [[config_of(request) for request in event.tick()] for _ in range(4)]
    assert ticks == [[], [{"n": 4}], [], []]


def test_a_late_commit_is_waited_for(deploy, sensor, publish, instance, monkeypatch):
    """A database shows a record before one with a lower id that is still being committed."""
    module = load(deploy(ONE).folder / "defs.py")
    event = sensor(module, "OneFlow_event_0")
    module._SETTLE = 0.1
    publish("data.ready", n=1)
    publish("data.ready", n=2)
    fetch, hidden = instance.fetch_materializations, [True]

    def without_first(*args: Any, **options: Any) -> Any:
        result = fetch(*args, **options)
        records = [r for r in result.records if not hidden or r.storage_id != 1]
        hidden.clear()
        return result._replace(records=records)

    monkeypatch.setattr(instance, "fetch_materializations", without_first)
    assert [config_of(request) for request in event.tick()] == [{"n": 1}, {"n": 2}]


def test_a_redeployed_flow_keeps_its_place(deploy, sensor, publish):
    """What an earlier version waited for, and no longer does, is dropped."""
    one = sensor(load(deploy(ONE).folder / "defs.py"), "OneFlow_event_0")
    two = sensor(load(deploy(TWO).folder / "defs.py"), "TwoFlow_event_0")
    publish("left")
    two.tick()
    one.cursor = two.cursor
    publish("data.ready", n=1)
    assert len(one.tick()) == 1
    assert json.loads(one.cursor)["waiting"] == {}


def test_what_a_run_is_told(deploy, sensor, publish):
    event = sensor(load(deploy(ONE).folder / "defs.py"), "OneFlow_event_0")
    publish("data.ready", n=1, id="abc", timestamp=1700000000)
    publish("data.ready", n=2, blob="x" * 5000)
    small, large = map(triggered_by, event.tick())
    assert small == [
        {
            "name": "data.ready",
            "id": "abc",
            "timestamp": 1700000000,
            "type": "event",
            "payload": {"n": 1, "id": "abc", "timestamp": 1700000000},
        }
    ]
    assert "payload" not in large[0]
    assert large[0]["log_id"] == 2
    assert large[0]["id"] == "dagster-event-2"
