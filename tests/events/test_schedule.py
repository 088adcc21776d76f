"""``@schedule``: when it runs, and that a run knows its time."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from dagster import DefaultScheduleStatus, DefaultSensorStatus, build_schedule_context
from events.conftest import load
from events.flows import ONE


def test_a_scheduled_run_is_tagged_with_its_time(deploy, instance):
    schedule = load(deploy(ONE).folder / "defs.py").OneFlow_schedule
    assert schedule.name == "OneFlow_schedule"
    assert schedule.cron_schedule == "30 * * * MON-FRI"
    assert schedule.execution_timezone == "Asia/Kolkata"
    assert schedule.default_status == DefaultScheduleStatus.RUNNING
    when = datetime(2026, 1, 5, 9, 30, tzinfo=ZoneInfo("Asia/Kolkata"))
    context = build_schedule_context(instance, scheduled_execution_time=when)
    (request,) = schedule.evaluate_tick(context).run_requests
    assert request.tags["metaflow/scheduled_time"] == "2026-01-05T09:30:00+05:30"


def test_schedule_and_sensors_can_be_left_off_and_sensors_be_slower(deploy):
    options = ("--no-schedule", "--no-triggers", "--sensor-interval=60")
    module = load(deploy(ONE, *options).folder / "defs.py")
    assert module.OneFlow_schedule.default_status == DefaultScheduleStatus.STOPPED
    for sensor in module.defs.sensors:
        assert sensor.default_status == DefaultSensorStatus.STOPPED
        assert sensor.minimum_interval_seconds == 60
