"""The sensor that starts a flow on published events.

An event is a materialization of the asset `metaflow/events/<name>` in Dagster's event log; the
fields of its payload are the entries of its metadata.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from dagster import (
    AssetKey,
    AssetRecordsFilter,
    EventLogRecord,
    EventRecordsResult,
    RunRequest,
    SensorEvaluationContext,
    SensorResult,
)

from .driver import _driver
from .flow import _Flow
from .sensors import _arrived, _instance, _new_records, _read_cursor, _start, _tick

_EVENT_KEY = ("metaflow", "events")
# Characters of JSON that a run's tags may take; larger payloads stay in the event log.
_TAG_LIMIT = 4096
# Events left out beside started runs whose reasons wait for a tick that starts none.
_REASONS_KEPT = 20
_PLAIN = (str, int, float, bool, list, dict, type(None))


def _on_events(
    flow: _Flow,
    context: SensorEvaluationContext,
    op: str,
    events: Mapping[str, Mapping[str, str]],
    *,
    required: Sequence[str] = (),
    keys: Mapping[str, str] | None = None,
    reset: tuple[str, str] | None = None,
) -> SensorResult:
    """Start a run for each event or, where there are several names, when all have arrived.

    An event whose payload does not fit is left out. The tick's log says so, and the reason for
    which this tick or, where it starts a run, the next one that starts none was skipped.

    Args:
        op: The op that takes the parameters.
        events: By event name: for each parameter the field of the payload that sets it.
        required: Parameters that have no default.
        keys: Names in the run config, where they differ from the parameters'.
        reset: Cron expression and timezone of the times when arrivals are forgotten.
    """
    state = _read_cursor(context, events)
    sources = {name: _publications(context, name) for name in events}
    requests: list[RunRequest] = []
    refused = json.loads(context.cursor or "{}").get("left_out", [])
    for name, record in _new_records(flow, sources, state["after"]):
        event = _event(name, record)
        try:
            _config(flow, event, events[name], required)
        except (TypeError, ValueError) as error:
            refused.append(f"Event {name} ({event['id']}) is left out: {error}")
            context.log.error(refused[-1])
            continue
        arrived = _arrived(state["waiting"], list(events), name, event, reset)
        if not arrived:
            continue
        values: dict[str, Any] = {}
        for awaited, one in zip(events, arrived, strict=True):
            values |= _config(flow, one, events[awaited], required)
        config = {(keys or {}).get(name, name): value for name, value in values.items()}
        shown = [_tagged(one) for one in arrived]
        run_config = {"ops": {op: {"config": config}}} if config else None
        requests.append(_start(shown, run_config))
    missing = [name for name in events if name not in state["waiting"]]
    waits = f"No new event {' and '.join(missing)}."
    if requests and refused:
        # Dagster takes no reason beside runs: the cursor keeps it.
        state["left_out"] = refused[-_REASONS_KEPT:]
    return _tick(requests, state, " ".join([*refused, waits]))


def _publications(
    context: SensorEvaluationContext, name: str
) -> Callable[..., EventRecordsResult]:
    """A source: the events of one name."""
    key = AssetKey([*_EVENT_KEY, name])

    def fetch(*, limit: int, ascending: bool, **bounds: Any) -> EventRecordsResult:
        return _instance(context).fetch_materializations(
            AssetRecordsFilter(asset_key=key, **bounds),
            limit=limit,
            ascending=ascending,
        )

    return fetch


def _event(name: str, record: EventLogRecord) -> dict[str, Any]:
    """An event as `current.trigger` shows it, with its place in the log."""
    payload = _payload(record)
    timestamp = payload.get("timestamp")
    is_time = isinstance(timestamp, int) and not isinstance(timestamp, bool)
    return {
        "name": name,
        "id": str(payload.get("id") or f"dagster-event-{record.storage_id}"),
        "timestamp": timestamp if is_time else int(record.timestamp),
        "type": "event",
        "payload": payload,
        "at": record.timestamp,
        "key": f"{name}:{record.storage_id}:{record.timestamp}",
        "log_id": record.storage_id,
    }


def _payload(record: EventLogRecord) -> dict[str, Any]:
    materialization = record.asset_materialization
    metadata = materialization.metadata if materialization else {}
    values = {name: entry.value for name, entry in metadata.items()}
    # Dagster has kinds of metadata that are no JSON.
    return {n: v if type(v) in _PLAIN else str(v) for n, v in values.items()}


def _config(
    flow: _Flow,
    event: Mapping[str, Any],
    fields: Mapping[str, str],
    required: Sequence[str],
) -> dict[str, Any]:
    """The parameters that an event sets; a field that is absent or null sets none.

    Raises:
        ValueError: A required parameter would get no value, or a value does not fit.
    """
    values = {}
    for parameter, source in fields.items():
        value = event["payload"].get(source)
        if value is not None:
            try:
                kind = flow.parameter_kinds[parameter]
                values[parameter] = _driver(flow).config_value(kind, value)
            except (TypeError, ValueError) as error:
                raise ValueError(
                    f"field {source!r} cannot set parameter {parameter!r}: {error}."
                ) from error
        elif parameter in required:
            raise ValueError(
                f"field {source!r} is absent and parameter {parameter!r} needs it."
            )
    return values


def _tagged(event: Mapping[str, Any]) -> dict[str, Any]:
    """An event for a run's tags: with its payload or, if that is large, its place in the log."""
    fits = len(json.dumps(event["payload"])) <= _TAG_LIMIT
    left_out = "log_id" if fits else "payload"
    return {name: value for name, value in event.items() if name != left_out}
