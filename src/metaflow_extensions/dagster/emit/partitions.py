"""Source text of partitions, and of what they and the schedule set."""

from __future__ import annotations

from ..plan.job import JobPlan
from ..plan.parameters import ParameterPlan
from ..plan.partitions import PartitionsPlan
from .literals import literal

_WIDTH = 88


def partitions_text(partitions: PartitionsPlan) -> str:
    """The definition of a job's partitions."""
    if partitions.is_static:
        args = [literal(list(partitions.keys), 4)]
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
    return _fitted(f"PARTITIONS = {partitions.class_name}(", args, 0, ")")


def job_config_text(plan: JobPlan) -> str:
    """The config of a partitioned job."""
    assert plan.partitions is not None
    parameter = _parameter(plan, plan.partitions.parameter)
    args = [literal(plan.ops[0].key), literal(parameter.key), literal(str(parameter.kind))]
    return _fitted("_partitioned(", ["PARTITIONS", *args], 11, ")")


def scheduled_text(plan: JobPlan) -> str:
    """The function of a schedule that sets a parameter."""
    args = [literal(plan.ops[0].key)]
    if plan.scheduled_time:
        args.append(f"time_key={literal(_parameter(plan, plan.scheduled_time).key)}")
    if plan.partitions:
        parameter = _parameter(plan, plan.partitions.parameter)
        args += ["partitions=PARTITIONS", f"key={literal(parameter.key)}"]
        if str(parameter.kind) != "str":
            args.append(f"kind={literal(str(parameter.kind))}")
    return _fitted("_scheduled(", args, 17, ")")


def _parameter(plan: JobPlan, name: str) -> ParameterPlan:
    return next(parameter for parameter in plan.parameters if parameter.name == name)


def _fitted(start: str, args: list[str], before: int, end: str) -> str:
    """A call on one line if it fits there, after ``before`` columns, else an argument a line."""
    line = f"{start}{', '.join(args)}{end}"
    if before + len(line) < _WIDTH and "\n" not in line:
        return line
    indent = " " * 4 if before else ""
    return f"{start}\n" + "".join(f"{indent}    {arg},\n" for arg in args) + f"{indent}{end}"
