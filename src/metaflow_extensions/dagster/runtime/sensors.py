"""Sensors that start a flow when others succeed."""

import json

from dagster import (
    DagsterEventType,
    RunRequest,
    RunStatusChangeRecordsFilter,
    SensorEvaluationContext,
    SensorResult,
    SkipReason,
)


def _on_finish(context: SensorEvaluationContext, flows: list[str]) -> SensorResult:
    """Start one run for every time that all `flows` have succeeded since the last one.

    A flow is known by the tag `metaflow/flow` of its runs, or `metaflow/project_flow` for a
    project branch, in whatever code location its job lives. The cursor holds the last event seen
    and the upstream runs that still wait for others.
    """
    cursor = json.loads(context.cursor) if context.cursor else None
    if cursor is None:
        latest = context.instance.fetch_run_status_changes(
            DagsterEventType.RUN_SUCCESS, limit=1
        )
        last = latest.records[0].storage_id if latest.records else 0
        return SensorResult(cursor=json.dumps({"after": last, "waiting": {}}))

    changes = context.instance.fetch_run_status_changes(
        RunStatusChangeRecordsFilter(
            event_type=DagsterEventType.RUN_SUCCESS, after_storage_id=cursor["after"]
        ),
        ascending=True,
        limit=500,
    )
    requests, waiting = [], cursor["waiting"]
    for record in changes.records:
        cursor["after"] = record.storage_id
        run_id = record.event_log_entry.run_id
        run = context.instance.get_run_by_id(run_id)
        names = (
            ()
            if run is None
            else (run.tags.get("metaflow/flow"), run.tags.get("metaflow/project_flow"))
        )
        for name in names:
            if name in flows:
                waiting[name] = run_id
        if len(waiting) == len(flows):
            upstream = [waiting[name] for name in flows]
            tags = {"metaflow/triggered_by": ",".join(upstream)}
            requests.append(RunRequest(run_key="+".join(upstream), tags=tags))
            waiting.clear()
    reason = None if requests else SkipReason(f"No new success of {', '.join(flows)}.")
    return SensorResult(
        run_requests=requests, skip_reason=reason, cursor=json.dumps(cursor)
    )
