"""What started a run, for its tags and for the processes of its tasks."""

import json
import os

from dagster import OpExecutionContext, ScheduleEvaluationContext


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
