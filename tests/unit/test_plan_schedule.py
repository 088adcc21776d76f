"""Cron expressions: by table, and against a reading of AWS's rules minute by minute."""

import itertools
from datetime import datetime, timedelta, timezone

import pytest
from dagster._utils.schedules import is_valid_cron_string, schedule_execution_time_iterator
from hypothesis import given, settings
from hypothesis import strategies as st
from metaflow import FlowSpec, step
from support.metaflow_names import schedule
from support.needs import SHORT_MONTHS, needs

from metaflow_extensions.dagster.errors import DagsterDeployError, verbatim
from metaflow_extensions.dagster.graph import read_flow
from metaflow_extensions.dagster.plan.cron import five_field_cron
from metaflow_extensions.dagster.plan.schedule import SchedulePlan, plan_schedule

# AWS, or five fields -> five fields for Dagster
CRONS = {
    "0 0 ? * SUN *": "0 0 * * SUN",
    "0 * * * ? *": "0 * * * *",
    "0 0 * * ? *": "0 0 * * *",
    "0 10 * * ? *": "0 10 * * *",
    "15 12 * * ? *": "15 12 * * *",
    "0 18 ? * MON-FRI *": "0 18 * * MON-FRI",
    "0 8 1 * ? *": "0 8 1 * *",
    "0/15 * * * ? *": "0-59/15 * * * *",
    "0/10 * ? * MON-FRI *": "0-59/10 * * * MON-FRI",
    "0/5 8-17 ? * MON-FRI *": "0-59/5 8-17 * * MON-FRI",
    "5 8/2 * * ? *": "5 8-23/2 * * *",
    "0 0 ? * 1 *": "0 0 * * 0",
    "0 0 ? * 7 *": "0 0 * * 6",
    "0 0 ? * 2-6 *": "0 0 * * 1,2,3,4,5",
    "0 0 ? * 2,4,6 *": "0 0 * * 1,3,5",
    "0 0 ? * 2/2 *": "0 0 * * 1,3,5",
    "0 0 ? * MON-FRI/2 *": "0 0 * * 1,3,5",
    "0 0 ? * fri-mon *": "0 0 * * 0,1,5,6",
    "0 0 ? * * *": "0 0 * * *",
    "0 22-2 * * ? *": "0 22,23,0,1,2 * * *",
    "0 0 1 jan,Jul ? *": "0 0 1 JAN,JUL *",
    "0 0 1 1/3 ? *": "0 0 1 1-12/3 *",
    "0 0 1 NOV-FEB ? *": "0 0 1 11,12,1,2 *",
    "0 0 L * ? *": "0 0 L * *",
    "0 0 ? * L *": "0 0 * * 6",
    "0 0 ? * 6L *": "0 0 * * L5",
    "0 0 ? * FRIL *": "0 0 * * L5",
    "0 0 ? * 6#3 *": "0 0 * * 5#3",
    "0 0 ? * MON#1 *": "0 0 * * 1#1",
    "0 0 * * ? */1": "0 0 * * *",
    "0 0 * * ? 1970-2199": "0 0 * * *",
    "0 0 29 2 ? *": "0 0 29 2 *",
    "0 0 31 2,3 ? *": "0 0 31 2,3 *",
    "59/5 0-0 * * ? *": "59 0 * * *",
    # Five fields: days of the week as cron has them.
    "30 6 * * 1": "30 6 * * 1",
    "30 6 * * 7": "30 6 * * 7",
    "30 6 ? * 0": "30 6 * * 0",
    "30 6 * * 5-1": "30 6 * * 5,6,0,1",
    "30 6 1 * MON": "30 6 1 * MON",
    "*/20 * * * *": "*/20 * * * *",
    "*/7 * 1-31/10 * *": "*/7 * 1-31/10 * *",
    "@daily": "0 0 * * *",
    "  0   0 *  * * ": "0 0 * * *",
}

REFUSED = {
    "": ("has 0", "such as `30 6 * * MON`"),
    "0 0 * *": ("five fields", "has 4"),
    "0 0 0 * * ? *": ("five fields", "has 7"),
    "rate(5 minutes)": ("five fields", "has 2"),
    "60 0 * * ? *": ("60 is not a valid minute", "0 to 59"),
    "0 24 * * ? *": ("24 is not a valid hour", "0 to 23"),
    "0 0 0 * ? *": ("0 is not a valid day of month", "1 to 31"),
    "0 0 1 13 ? *": ("13 is not a valid month", "JAN to DEC"),
    "0 0 ? * 0 *": ("0 is not a valid day of week", "1 to 7, or SUN to SAT"),
    "0 0 ? * 8 *": ("8 is not a valid day of week", "1 to 7"),
    "0 0 * * 8": ("8 is not a valid day of week", "0 to 7"),
    "0 0 ? * FUNDAY *": ("FUNDAY is not a valid day of week", "SUN to SAT"),
    "*/0 * * * ? *": ("*/0 is not a valid minute", "steps"),
    "1- * * * ? *": ("1- is not a valid minute", "ranges"),
    ",1 * * * ? *": (",1 is not a valid minute", "lists"),
    "? * * * ? *": ("? is not a valid minute", "0 to 59"),
    "0 0 12 * * ?": ("year field is ?", "Leave the seconds out"),
    "0 0 * * ? 2027": ("year field is 2027", "Leave the year open"),
    "0 0 * * ? 2027-2030": ("year field is 2027-2030", "no years"),
    "0 0 15W * ? *": ("day of month field is 15W", "no nearest weekday"),
    "0 0 LW * ? *": ("day of month field is LW", "Choose days of the week"),
    "0 0 ? * 6#6 *": ("6#6 is not a valid day of week", "1 to 7"),
    "0 0 1 * MON *": ("AWS takes a day of month or a day of week", "without the year"),
    "0 0 ? * ? *": ("both day of month and day of week", "Write *"),
    "0 0 30 2 ? *": ("no month in 2 has a day 30", "Choose a day"),
    "0 0 31 4,JUN * *": ("no month in 4,JUN has a day 31", "Choose a day"),
}


@pytest.mark.parametrize("expression", CRONS)
def test_conversion(expression):
    converted = five_field_cron(expression, "@schedule")
    assert converted == CRONS[expression]
    assert is_valid_cron_string(converted)
    assert len(first_ticks(converted, 2)) == 2


@pytest.mark.parametrize("expression", REFUSED)
def test_refusal(expression):
    with pytest.raises(DagsterDeployError) as caught:
        five_field_cron(expression, "@schedule")
    message = caught.value.message
    assert f"*{verbatim(expression)}*" in message
    assert message.count("*") == 4, "Metaflow's terminal drops asterisks"
    assert "*@schedule*" in message
    for says in REFUSED[expression]:
        assert verbatim(says) in message


def test_other_than_text_is_refused():
    with pytest.raises(DagsterDeployError, match="not a text"):
        five_field_cron(5, "@schedule")  # pyright: ignore[reportArgumentType]


def first_ticks(cron, count, start=datetime(2027, 1, 1, tzinfo=timezone.utc)):
    ticks = schedule_execution_time_iterator(start.timestamp(), cron, "UTC", ascending=True)
    return list(itertools.islice(ticks, count))


WEEKDAYS = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"]


@st.composite
def aws_fields(draw, low, high, names=()):
    """A field of AWS's cron, and the set of its values."""
    numbers = st.integers(low, high)

    def text(number):
        return names[number - low] if names and draw(st.booleans()) else str(number)

    parts, values = [], set()
    for _ in range(draw(st.integers(1, 3))):
        form = draw(st.sampled_from(["one", "range", "range step", "from step"]))
        first, last = sorted((draw(numbers), draw(numbers)))
        step = draw(st.integers(1, 9))
        if form == "one":
            parts.append(text(first))
            values.add(first)
        elif form == "range":
            parts.append(f"{text(first)}-{text(last)}")
            values.update(range(first, last + 1))
        elif form == "range step":
            parts.append(f"{text(first)}-{text(last)}/{step}")
            values.update(range(first, last + 1, step))
        else:
            parts.append(f"{text(first)}/{step}")
            values.update(range(first, high + 1, step))
    return ",".join(parts), values


@given(aws_fields(0, 59), aws_fields(0, 23), aws_fields(1, 7, WEEKDAYS))
@settings(max_examples=100, deadline=None)
def test_days_of_the_week_fire_as_aws_has_them(minute, hour, weekday):
    cron = five_field_cron(f"{minute[0]} {hour[0]} ? * {weekday[0]} *", "@schedule")
    expected = fires(
        lambda at: at.isoweekday() % 7 + 1 in weekday[1],
        *(minute[1], hour[1]),
    )
    assert first_ticks(cron, 30) == list(itertools.islice(expected, 30))


@needs(SHORT_MONTHS)
@given(aws_fields(0, 59), aws_fields(0, 23), aws_fields(1, 31))
@settings(max_examples=100, deadline=None)
def test_days_of_the_month_fire_as_aws_has_them(minute, hour, day):
    cron = five_field_cron(f"{minute[0]} {hour[0]} {day[0]} * ? *", "@schedule")
    expected = fires(lambda at: at.day in day[1], minute[1], hour[1])
    assert first_ticks(cron, 30) == list(itertools.islice(expected, 30))


def fires(on_day, minutes, hours):
    day = datetime(2027, 1, 1, tzinfo=timezone.utc)
    while True:
        if on_day(day):
            for hour, minute in itertools.product(sorted(hours), sorted(minutes)):
                yield day.replace(hour=hour, minute=minute)
        day += timedelta(days=1)


def scheduled(**options):
    class ScheduledFlow(FlowSpec):
        @step
        def start(self):
            self.next(self.end)

        @step
        def end(self):
            pass

    return schedule(**options)(ScheduledFlow)


SCHEDULES = [
    ({}, SchedulePlan("0 0 * * *", None)),
    ({"daily": True}, SchedulePlan("0 0 * * *", None)),
    ({"weekly": True}, SchedulePlan("0 0 * * SUN", None)),
    ({"hourly": True}, SchedulePlan("0 * * * *", None)),
    ({"daily": False}, None),
    ({"cron": "0 8 ? * 2-6 *"}, SchedulePlan("0 8 * * 1,2,3,4,5", None)),
    (
        {"cron": "0 8 * * ? *", "timezone": "Europe/Zurich"},
        SchedulePlan("0 8 * * *", "Europe/Zurich"),
    ),
    ({"hourly": True, "timezone": ""}, SchedulePlan("0 * * * *", None)),
]


@pytest.mark.parametrize(("options", "plan"), SCHEDULES)
def test_schedules_of_flows(load_flow, options, plan):
    assert plan_schedule(read_flow(load_flow(scheduled(**options)))) == plan


def test_flows_without_schedule(load_flow):
    class PlainFlow(FlowSpec):
        @step
        def start(self):
            self.next(self.end)

        @step
        def end(self):
            pass

    assert plan_schedule(read_flow(load_flow(PlainFlow))) is None


@pytest.mark.parametrize("name", ["Mars/Olympus", "../etc/passwd", "Europe", "a\0b", "/UTC", 5])
def test_unknown_timezones_are_refused(load_flow, name):
    flow = load_flow(scheduled(daily=True, timezone=name))
    with pytest.raises(DagsterDeployError, match=r"timezone .* of \*@schedule\* is unknown"):
        plan_schedule(read_flow(flow))
