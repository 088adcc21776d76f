"""What started a run, for its tags and for the processes of its tasks."""

import json
import os
from collections.abc import Mapping

from dagster import OpExecutionContext, ScheduleEvaluationContext

from .flow import _Flow
from .handover import _write_small

_TOLD = ("RUN_TAGS", "RUN_ID", "JOB", "STEP_KEY")


def _scheduled_time(context: ScheduleEvaluationContext) -> dict[str, str]:
    """Tag a run with the time that its schedule meant, in ISO 8601 with the schedule's offset."""
    return {"metaflow/scheduled_time": context.scheduled_execution_time.isoformat()}


def _origin_env(context: OpExecutionContext) -> dict[str, str]:
    """What tasks are told about the run: its tags, and where its Dagster instance is."""
    tags = {k: v for k, v in context.run.tags.items() if k.startswith("metaflow/")}
    return {
        "METAFLOW_DAGSTER_RUN_TAGS": json.dumps(tags),
        "DAGSTER_HOME": os.environ.get("DAGSTER_HOME")
        or context.instance.root_directory,
    }


def _leave_origin(flow: _Flow, path: str, env: Mapping[str, str]) -> None:
    """Put what a task is told where it finds it on a machine that its decorator sends it to."""
    told = {name: env[name] for name in (f"METAFLOW_DAGSTER_{n}" for n in _TOLD)}
    _write_small(
        flow, f"{flow.flow_name}/_dagster/{path}.json", json.dumps(told).encode()
    )
