"""``--partition`` and ``--scheduled-time`` of real flows, planned."""

import pytest
from metaflow import FlowSpec, JSONType, Parameter, step
from support.metaflow_names import schedule

from metaflow_extensions.dagster.errors import DagsterDeployError
from metaflow_extensions.dagster.graph import read_flow
from metaflow_extensions.dagster.plan.partitions import (
    PartitionsPlan,
    plan_partitions,
    plan_scheduled_time,
)


class AnyFlow(FlowSpec):
    day = Parameter("day", default="")
    size = Parameter("size", default=1)
    ratio = Parameter("ratio", default=0.5)
    on = Parameter("on", default=False)
    tree = Parameter("tree", type=JSONType, default="{}")

    @step
    def start(self):
        self.next(self.end)

    @step
    def end(self):
        pass


@schedule(daily=True)
class ScheduledFlow(AnyFlow):
    @step
    def start(self):
        self.next(self.end)

    @step
    def end(self):
        pass


@pytest.mark.parametrize(
    ("option", "planned"),
    [
        ("day=daily:2026-01-31", PartitionsPlan("day", "daily", "2026-01-31", None, "UTC")),
        ("day=weekly:2026-01-31", PartitionsPlan("day", "weekly", "2026-01-31", None, "UTC")),
        ("day=monthly:2026-01-01", PartitionsPlan("day", "monthly", "2026-01-01", None, "UTC")),
        ("day=hourly:2026-01-31", PartitionsPlan("day", "hourly", "2026-01-31-00:00", None, "UTC")),
        (
            "day=cron:2026-01-31-06:30:0 */6 * * *",
            PartitionsPlan("day", "cron", "2026-01-31-06:30", "0 */6 * * *", "UTC"),
        ),
        ("day=keys:eu, us=x", PartitionsPlan("day", "keys", keys=("eu", "us=x"))),
        ("size=keys:1,20", PartitionsPlan("size", "keys", keys=("1", "20"))),
        ("ratio=keys:0.1,1", PartitionsPlan("ratio", "keys", keys=("0.1", "1"))),
        ("on=keys:true,false", PartitionsPlan("on", "keys", keys=("true", "false"))),
    ],
)
def test_specs_are_read(load_flow, option, planned):
    assert plan_partitions(read_flow(load_flow(AnyFlow)), option, "UTC") == planned


@pytest.mark.parametrize(
    ("option", "text"),
    [
        ("day", "write PARAMETER=SPEC"),
        ("day=daily", "where SPEC is such as daily:2026-01-01"),
        ("day=yearly:2026-01-01", "write PARAMETER=SPEC"),
        ("date=daily:2026-01-01", "the flow has no parameter 'date'. Its parameters: day, size"),
        ("size=daily:2026-01-01", "The parameter *size* takes no text"),
        ("tree=hourly:2026-01-01", "The parameter *tree* takes no text"),
        ("day=daily:yesterday", "'yesterday' is not a time at which partitions can begin"),
        ("day=daily:2026-01-01-06:00", "Write it as 2026-01-01."),
        ("day=daily:2026-02-30", "is not a time at which partitions can begin"),
        ("day=cron:2026-01-01", "a cron has a start and an expression"),
        ("day=cron:2026-01-01:every day", "--partition"),
        ("day=keys:", "'' is empty"),
        ("day=keys:a,a", "twice in the list"),
        ("day=keys:a...b", "partition keys may not have"),
        ("size=keys:1,two", "'two' cannot be the value of *size*"),
        ("tree=keys:1", "it is of the kind json"),
    ],
)
def test_bad_specs_are_refused(load_flow, option, text):
    with pytest.raises(DagsterDeployError) as error:
        plan_partitions(read_flow(load_flow(AnyFlow)), option, None)
    assert text in error.value.message


def test_a_schedule_can_set_a_parameter(load_flow):
    view = read_flow(load_flow(ScheduledFlow))
    assert plan_scheduled_time(view, "day", None) == "day"
    assert plan_scheduled_time(view, None, None) is None


@pytest.mark.parametrize(
    ("flow", "name", "partitions", "text"),
    [
        (AnyFlow, "day", None, "the flow has no schedule that could set it"),
        (ScheduledFlow, "size", None, "The parameter *size* takes no text"),
        (ScheduledFlow, "when", None, "the flow has no parameter 'when'"),
        (ScheduledFlow, "day", PartitionsPlan("day", "keys", keys=("a",)), "Give it to one"),
    ],
)
def test_a_parameter_that_no_schedule_can_set_is_refused(load_flow, flow, name, partitions, text):
    with pytest.raises(DagsterDeployError) as error:
        plan_scheduled_time(read_flow(load_flow(flow)), name, partitions)
    assert text in error.value.message
