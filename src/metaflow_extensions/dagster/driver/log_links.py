"""Links to what a task has written, on its op's output or failure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from dagster import DagsterEventType, MetadataValue, OpExecutionContext

_LOGS = 1000  # of a run, the newest, among which that of a running step is looked for


def log_links(written: Sequence[str]) -> dict[str, Any]:
    """Links that open the streams in which there is text, where the instance keeps any.

    Dagster's own link opens stderr, whatever has been written (its UI says ``logType: "stderr"``
    for a ``LogsCapturedEvent``).

    Args:
        written: ``stdout``, ``stderr``, both or none.
    """
    context = OpExecutionContext.get()
    manager = type(context.instance.compute_log_manager).__name__
    if manager == "NoOpComputeLogManager":  # it keeps none; Dagster does not export the class
        return {}
    key = context.get_step_execution_context().step.key
    place = {"selection": f'name:"{key}"'}
    if written and context.retry_number:  # each attempt has a log of its own
        place |= _latest_log(context, key)
    # From the page of the run, whatever prefix the webserver has.
    return {
        f"log {stream}": MetadataValue.url("?" + urlencode({"logType": stream, **place}))
        for stream in written
    }


def _latest_log(context: OpExecutionContext, key: str) -> dict[str, str]:
    # The newest are enough: an attempt that runs has begun not long before those beside it.
    page = context.instance.get_records_for_run(
        context.run_id, of_type=DagsterEventType.LOGS_CAPTURED, limit=_LOGS, ascending=False
    )
    for record in page.records:
        captured = record.event_log_entry.get_dagster_event().logs_captured_data
        if key in (captured.step_keys or ()):
            return {"logFileKey": captured.file_key}
    return {}
