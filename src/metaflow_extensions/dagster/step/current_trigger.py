"""What started the run, as its steps see it: ``current.trigger`` and task metadata.

The op passes on the run's tags (``_run_variables`` in runtime/task.py), which a sensor or schedule
has set.
"""

from __future__ import annotations

import json
import os
import re
from typing import TYPE_CHECKING, Any

from metaflow.events import MetaflowEvent, Trigger

from .._metaflow_internals import replace_events, set_current, storage_of
from ..contract import tags, variables

if TYPE_CHECKING:
    from .._metaflow_internals.types import TaskDatastore

_FIELDS = ("name", "id", "timestamp", "type")


class DagsterTriggerEvent(MetaflowEvent):
    """An event of ``current.trigger``, with the payload that it was published with."""

    source: dict[str, Any]
    """As the sensor has noted it."""

    @property
    def payload(self) -> dict[str, Any]:
        """The event's fields; empty for a run. Large ones are read from Dagster's event log."""
        if "log_id" in self.source:
            name: str = self.source["name"]
            self.source["payload"] = _read_payload(name, self.source.pop("log_id"))
        return self.source.get("payload", {})


class DagsterTrigger(Trigger):
    """``current.trigger`` of a run that a sensor started; its events are the latest first."""

    def __init__(self, events: list[dict[str, Any]]) -> None:
        events = sorted(events, key=lambda event: event["timestamp"], reverse=True)
        shown = [{name: event[name] for name in _FIELDS} for event in events]
        super().__init__(shown)  # pyright: ignore[reportUnknownMemberType]  # it has no types

        def with_payload(values: tuple[Any, ...], place: int) -> DagsterTriggerEvent:
            event = DagsterTriggerEvent(*values)
            event.source = events[place]
            return event

        replace_events(self, with_payload)


def report_provenance(is_start: bool) -> dict[str, str]:
    """Set ``current.trigger``, and return the metadata fields of a task.

    Args:
        is_start: The task is the flow's first; only that one carries ``execution-triggers``, as
            under Argo Workflows (metaflow/plugins/argo/argo_workflows_decorator.py).
    """
    of_run: dict[str, str] = json.loads(os.environ.get(variables.RUN_TAGS) or "{}")
    fields: dict[str, str] = {}
    if tags.SCHEDULED_TIME in of_run:
        fields["dagster-scheduled-time"] = of_run[tags.SCHEDULED_TIME]
    events = _events(of_run)
    if events:
        set_current("trigger", DagsterTrigger(events))
        if is_start:
            shown = [{name: event[name] for name in _FIELDS} for event in events]
            fields["execution-triggers"] = json.dumps(shown)
    return fields


def _events(of_run: dict[str, str]) -> list[dict[str, Any]]:
    """What a sensor has noted of the events that started the run."""
    earlier = of_run.get(tags.TRIGGERED_BY_SHOWN, "")
    text = of_run.get(tags.TRIGGERED_BY) or (earlier if earlier.startswith("[{") else "[]")
    return json.loads(text)


def stored_provenance(task_datastore: TaskDatastore) -> dict[str, str]:
    """The variables that the op has left in the datastore (``run_task`` in driver/run.py).

    Empty where there are none. Workers of a gang have those of their control task.
    """
    parent = task_datastore.parent_datastore
    path = re.sub(r"_node_\d+$", "", task_datastore.pathspec)
    name = variables.stored_at(parent.flow_name, path)
    with storage_of(parent).load_bytes([name]) as loaded:
        for _, local_path, _ in loaded:
            if local_path is not None:
                with open(local_path, encoding="utf-8") as file:
                    return json.load(file)
    return {}


def _read_payload(name: str, log_id: int) -> dict[str, Any]:
    from ..events.local import read_payload

    return read_payload(name, log_id)
