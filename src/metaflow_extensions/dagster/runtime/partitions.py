"""Partitions of the job, and what its schedule sets."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from dagster import (
    Failure,
    OpExecutionContext,
    PartitionedConfig,
    PartitionsDefinition,
    RunRequest,
    ScheduleEvaluationContext,
    SkipReason,
    TimeWindowPartitionsDefinition,
)

from .driver import _driver
from .flow import _Flow


def _partitioned(
    flow: _Flow, partitions: PartitionsDefinition, op: str, key: str, kind: str
) -> PartitionedConfig:
    """Config of the job in which a partition's key is the value of a parameter.

    Args:
        op: The op that takes the parameters.
        key: The parameter's name in the run config.
        kind: How it is given (an entry of PARAMETER_KINDS).
    """

    def config(partition_key: str) -> dict[str, Any]:
        value = _driver(flow).config_value(kind, partition_key)
        return _config_of(op, {key: value})

    return PartitionedConfig(partitions, run_config_for_partition_key_fn=config)


def _config_of(op: str, values: dict[str, Any]) -> dict[str, Any]:
    return {"ops": {op: {"config": values}}} if values else {}


def _check_partition(
    flow: _Flow, context: OpExecutionContext, name: str, values: Mapping[str, Any]
) -> None:
    """Refuse a run that is of one partition and has the parameter of another.

    Args:
        name: The parameter.
        values: Values of all parameters.

    Raises:
        Failure: Somebody has set the tag or the parameter alone.
    """
    if context.has_partition_key:
        key, value = context.partition_key, values[name]
        kind = flow.parameter_kinds[name]
        if _driver(flow).config_value(kind, key) != value:
            raise Failure(
                f"The run is of the partition {key!r}, and its parameter {name!r} is {value!r}. "
                "Choose the partition of that value, or leave the parameter as it is.",
                allow_retries=False,
            )


def _scheduled(
    flow: _Flow,
    op: str,
    *,
    time_key: str | None = None,
    partitions: PartitionsDefinition | None = None,
    key: str = "",
    kind: str = "str",
) -> Callable[[ScheduleEvaluationContext], Iterator[RunRequest | SkipReason]]:
    """What a schedule starts: a run that is told the time, a run of the partition that has ended
    last, or one of each partition where these are no times.

    Args:
        op: The op that takes the parameters.
        time_key: Name in the run config of the parameter that is set to the time of the tick.
        partitions: Those of the job.
        key: Name in the run config of the parameter that a partition's key sets.
        kind: How that one is given (an entry of PARAMETER_KINDS).
    """

    def tick(
        context: ScheduleEvaluationContext,
    ) -> Iterator[RunRequest | SkipReason]:
        when = context.scheduled_execution_time
        tags = _scheduled_time(context)
        values = {time_key: when.isoformat()} if time_key else {}
        if partitions is None:
            yield RunRequest(run_config=_config_of(op, values), tags=tags)
            return
        partition_keys = partitions.get_partition_keys(current_time=when)
        if isinstance(partitions, TimeWindowPartitionsDefinition):
            partition_keys = partition_keys[-1:]
        for partition_key in partition_keys:
            value = _driver(flow).config_value(kind, partition_key)
            config = {**values, key: value}
            yield RunRequest(
                run_key=partition_key,
                run_config=_config_of(op, config),
                tags=tags,
                partition_key=partition_key,
            )
        if not partition_keys:
            yield SkipReason(f"No partition has ended before {when.isoformat()}.")

    return tick


def _scheduled_time(context: ScheduleEvaluationContext) -> dict[str, str]:
    """Tag a run with the time that its schedule meant, in ISO 8601 with the schedule's offset."""
    return {"metaflow/scheduled_time": context.scheduled_execution_time.isoformat()}
