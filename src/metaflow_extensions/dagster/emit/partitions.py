"""Source text of partitions, and of what they and the schedule set."""

from __future__ import annotations

from ..plan.job import JobPlan
from ..plan.parameters import ParameterPlan
from ..plan.partitions import PartitionsPlan
from .literals import call, literal


def partitions_text(partitions: PartitionsPlan) -> str:
    """The definition of a job's partitions."""
    if partitions.is_static:
        args = [literal(list(partitions.keys))]
    elif partitions.cron is None:
        args = [f"start_date={literal(partitions.start)}"]
    else:
        args = [
            f"start={literal(partitions.start)}",
            f"fmt={literal(partitions.format)}",
            f"cron_schedule={literal(partitions.cron)}",
        ]
    if partitions.timezone:
        args.append(f"timezone={literal(partitions.timezone)}")
    return f"PARTITIONS = {call(partitions.class_name, args)}"


def job_config_text(plan: JobPlan) -> str:
    """The config of a partitioned job."""
    assert plan.partitions is not None
    parameter = _parameter(plan, plan.partitions.parameter)
    args = [literal(plan.ops[0].key), literal(parameter.key), literal(str(parameter.kind))]
    return call("_partitioned", ["FLOW", "PARTITIONS", *args])


def scheduled_text(plan: JobPlan) -> str:
    """The function of a schedule that sets a parameter."""
    args = ["FLOW", literal(plan.ops[0].key)]
    if plan.scheduled_time:
        args.append(f"time_key={literal(_parameter(plan, plan.scheduled_time).key)}")
    if plan.partitions:
        parameter = _parameter(plan, plan.partitions.parameter)
        args += ["partitions=PARTITIONS", f"key={literal(parameter.key)}"]
        if str(parameter.kind) != "str":
            args.append(f"kind={literal(str(parameter.kind))}")
    return call("_scheduled", args)


def _parameter(plan: JobPlan, name: str) -> ParameterPlan:
    return next(parameter for parameter in plan.parameters if parameter.name == name)
