"""What sensors share, and the sensor that starts a flow when others have succeeded.

A sensor reads Dagster's event log. Its cursor is JSON: `after` has the storage id of the last
record seen, by source; `waiting` has what arrived already where several things must.
"""

import json
import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from dagster import (
    DagsterEventType,
    DagsterInstance,
    DagsterRun,
    EventLogRecord,
    EventRecordsResult,
    RunRequest,
    RunsFilter,
    RunStatusChangeRecordsFilter,
    SensorEvaluationContext,
    SensorResult,
    SkipReason,
    TimeWindowPartitionsDefinition,
)

from ..contract import _make_task_id
from .flow import _Flow
from .identity import _metaflow_run_of, _run_suffix

# Records that a tick reads, which bounds the runs that it starts and the time that it takes.
_RECORDS_A_TICK = 100
# Seconds that a writer may be slower than the next one: databases give out ids before they commit.
_SETTLE = 0.25
# What started a run: for its steps, which Dagster's UI hides, and for people.
_TRIGGER_TAG = ".dagster/metaflow_triggered_by"
_SHOWN_TRIGGER_TAG = "metaflow/triggered_by"
# Open instances of Dagster, by what they are opened from.
_instances: dict[str, DagsterInstance] = {}


def _deployed_at(flow: _Flow) -> float:
    """Unix time from which on events count: when the definitions file was written.

    A file that came with an image or an archive may bear any time. If it is older than a day, the
    time when it was loaded counts.
    """
    written = os.path.getmtime(flow.definitions_file)
    return written if 0 <= flow.loaded_at - written <= 86400 else flow.loaded_at


def _read_cursor(
    context: SensorEvaluationContext, awaited: Iterable[str]
) -> dict[str, Any]:
    """The cursor, without what an earlier version of the flow waited for."""
    state: dict[str, dict[str, Any]] = json.loads(context.cursor or "{}")
    waiting = state.get("waiting", {})
    return {
        "after": state.get("after", {}),
        "waiting": {name: waiting[name] for name in awaited if name in waiting},
    }


def _new_records(
    flow: _Flow,
    sources: Mapping[str, Callable[..., EventRecordsResult]],
    after: dict[str, int],
) -> list[tuple[str, EventLogRecord]]:
    """The next records of all sources in the order of the log; `after` moves on to them."""
    for name, fetch in sources.items():
        if name not in after:
            after[name] = _last_before_deployment(flow, fetch)
    records = _next_records(sources, after)
    if records and 0 <= time.time() - records[-1][1].timestamp < _SETTLE:
        time.sleep(_SETTLE)
        records = _next_records(sources, after)
    for name, record in records:
        after[name] = record.storage_id
    return records


def _next_records(
    sources: Mapping[str, Callable[..., EventRecordsResult]], after: Mapping[str, int]
) -> list[tuple[str, EventLogRecord]]:
    found = [
        (name, record)
        for name, fetch in sources.items()
        for record in fetch(
            limit=_RECORDS_A_TICK, ascending=True, after_storage_id=after[name]
        ).records
    ]
    return sorted(found, key=lambda entry: entry[1].storage_id)[:_RECORDS_A_TICK]


def _last_before_deployment(
    flow: _Flow, fetch: Callable[..., EventRecordsResult]
) -> int:
    """The storage id after which a sensor that has never run begins."""
    newest = fetch(limit=1, ascending=False).records
    if not newest:
        return 0
    deployed = _deployed_at(flow)
    if newest[0].timestamp < deployed:
        return newest[0].storage_id
    first = fetch(limit=1, ascending=True, after_timestamp=deployed).records
    return first[0].storage_id - 1 if first else newest[0].storage_id


def _instance(context: SensorEvaluationContext) -> DagsterInstance:
    """The deployment's instance, opened once: to open it takes as long as twenty ticks."""
    if context.instance_ref is None:
        return context.instance
    key = repr(context.instance_ref)
    if key not in _instances:
        _instances[key] = DagsterInstance.from_ref(context.instance_ref)
    return _instances[key]


def _status_changes(
    context: SensorEvaluationContext, event_type: Any
) -> Callable[..., EventRecordsResult]:
    """A source: runs of the whole deployment that came to an end in one way."""

    def fetch(*, limit: int, ascending: bool, **bounds: Any) -> EventRecordsResult:
        records_filter = RunStatusChangeRecordsFilter(event_type=event_type, **bounds)
        return _instance(context).fetch_run_status_changes(
            records_filter, limit=limit, ascending=ascending
        )

    return fetch


def _runs_of(
    context: SensorEvaluationContext, records: Sequence[tuple[str, EventLogRecord]]
) -> dict[str, DagsterRun]:
    """The runs that records are about, by id; a run may have been deleted."""
    if not records:
        return {}
    run_ids = [record.run_id for _, record in records]
    runs = _instance(context).get_runs(RunsFilter(run_ids=run_ids))
    return {run.run_id: run for run in runs}


def _arrived(
    waiting: dict[str, Any],
    awaited: Sequence[str],
    name: str,
    event: dict[str, Any],
    reset: tuple[str, str] | None,
) -> list[dict[str, Any]] | None:
    """Note an arrival; once everything awaited is there, hand it out and begin anew.

    Of two arrivals of the same name the later one counts. `reset` is a cron expression and its
    timezone: what arrived before its last time is forgotten.
    """
    if reset is not None and waiting:
        forget = _last_time(*reset, event["at"])
        for other in [key for key in waiting if waiting[key]["at"] < forget]:
            del waiting[other]
    waiting[name] = event
    if any(other not in waiting for other in awaited):
        return None
    return [waiting.pop(other) for other in awaited]


def _last_time(cron: str, zone: str, before: float) -> float:
    """The last time of a cron expression before another time, in Unix seconds."""
    windows = TimeWindowPartitionsDefinition(
        start=datetime(2000, 1, 1), fmt="%Y-%m-%d", cron_schedule=cron, timezone=zone
    )
    moment = datetime.fromtimestamp(before).astimezone()
    window = windows.get_prev_partition_window(moment)
    return window.end.timestamp() if window else 0.0


def _start(
    events: Sequence[Mapping[str, Any]], run_config: Mapping[str, Any] | None = None
) -> RunRequest:
    """Ask for the run that belongs to these events; Dagster starts it once, by its key."""
    shown = [
        {name: value for name, value in event.items() if name not in ("at", "key")}
        for event in events
    ]
    names = [event.get("run") or event["name"] for event in events]
    return RunRequest(
        run_key="+".join(event["key"] for event in events),
        run_config=run_config,
        tags={_TRIGGER_TAG: json.dumps(shown), _SHOWN_TRIGGER_TAG: ", ".join(names)},
    )


def _tick(
    requests: list[RunRequest], state: Mapping[str, Any], reason: str
) -> SensorResult:
    """The result of a tick; `reason` says why it started nothing."""
    cursor = json.dumps(state)
    if requests:
        return SensorResult(run_requests=requests, cursor=cursor)
    return SensorResult(skip_reason=SkipReason(reason), cursor=cursor)


def _on_finish(
    flow: _Flow,
    context: SensorEvaluationContext,
    flows: Sequence[str],
    reset: tuple[str, str] | None = None,
) -> SensorResult:
    """Start a run whenever all `flows` (`Flow` or `project.branch.Flow`) have succeeded.

    Runs are known by the tags of their jobs, whatever these are called and wherever in the
    deployment they live.
    """
    state = _read_cursor(context, flows)
    sources = {"RUN_SUCCESS": _status_changes(context, DagsterEventType.RUN_SUCCESS)}
    records = _new_records(flow, sources, state["after"])
    runs = _runs_of(context, records)
    requests: list[RunRequest] = []
    for _, record in records:
        run = runs.get(record.run_id)
        if run is None or _flow_of(run) not in flows or not _ran_to_end(run):
            continue
        name = _flow_of(run)
        event = {
            "name": f"metaflow.{name}.end",
            "id": _end_task(run),
            "timestamp": int(record.timestamp),
            "type": "run",
            "at": record.timestamp,
            "key": run.run_id,
            "run": f"{_hidden(run, 'flow')}/{_metaflow_run_of(run)}",
        }
        events = _arrived(state["waiting"], flows, name, event, reset)
        if events:
            requests.append(_start(events))
    missing = [flow for flow in flows if flow not in state["waiting"]]
    return _tick(requests, state, f"No new success of {' and '.join(missing)}.")


def _flow_of(run: DagsterRun) -> str:
    """`Flow` or `project.branch.Flow`; empty for a run that is none of a flow."""
    project, branch = run.tags.get("metaflow/project"), run.tags.get("metaflow/branch")
    return ".".join(part for part in (project, branch, _hidden(run, "flow")) if part)


def _hidden(run: DagsterRun, name: str) -> str:
    """A tag that Dagster's UI does not show; runs of earlier files have it where it does."""
    tags = run.tags
    return tags.get(f".dagster/metaflow_{name}") or tags.get(f"metaflow/{name}", "")


def _ran_to_end(run: DagsterRun) -> bool:
    """Whether the run's success is the flow's: it may have been started for some steps only."""
    selected = run.step_keys_to_execute or run.resolved_op_selection
    return not selected or f"op_{_end_step(run)}" in selected


def _end_step(run: DagsterRun) -> str:
    return _hidden(run, "end_step") or "end"


def _end_task(run: DagsterRun) -> str:
    """The pathspec of the flow's last task (see `_task_id`)."""
    flow, end = _hidden(run, "flow"), _end_step(run)
    task_id = _make_task_id(end) + _run_suffix(run)
    return f"{flow}/{_metaflow_run_of(run)}/{end}/{task_id}"
