"""Publishing into a Dagster instance whose storage this process can open. Imports Dagster."""

from __future__ import annotations

import os
import time
from typing import Any

from dagster import AssetKey, AssetMaterialization, AssetRecordsFilter, DagsterInstance
from metaflow.exception import MetaflowException

from ..runtime.events import _EVENT_KEY, _payload
from ..targets.home import embedded_home
from ..targets.open_instance import open_instance
from .errors import DagsterEventException

_ATTEMPTS = 6


def report_event(name: str, fields: dict[str, Any]) -> None:
    """Write the event to the instance in DAGSTER_HOME, or to the project's embedded one.

    Raises:
        DagsterEventException: The instance cannot be opened or written to.
    """
    try:
        instance = _open()
    except MetaflowException as error:
        raise DagsterEventException(f"Event {name} was not published: {error.message}") from error
    with instance:
        _report(instance, name, fields)


def read_payload(name: str, log_id: int) -> dict[str, Any]:
    """The fields of an event in the log; none if it has been deleted there.

    Raises:
        DagsterRunError: The instance cannot be opened.
    """
    with _open() as instance:
        records = instance.fetch_materializations(
            AssetRecordsFilter(AssetKey([*_EVENT_KEY, name]), storage_ids=[log_id]), limit=1
        ).records
        return _payload(records[0]) if records else {}


def _open() -> DagsterInstance:
    home = os.environ.get("DAGSTER_HOME")
    if home:
        return open_instance(os.path.expanduser(home), embedded=False)
    return open_instance(embedded_home(), embedded=True)


def _report(instance: DagsterInstance, name: str, fields: dict[str, Any]) -> None:
    event = AssetMaterialization(AssetKey([*_EVENT_KEY, name]), metadata=fields)
    for attempt in range(_ATTEMPTS):
        try:
            instance.report_runless_asset_event(event)
            return
        except Exception as error:  # of whatever storage is in use
            # SQLite gives up waiting for other writers after seconds; nothing was written then.
            if "locked" not in str(error) or attempt + 1 == _ATTEMPTS:
                raise DagsterEventException(f"Event {name} was not published: {error}") from error
            time.sleep(0.1 * 2**attempt)
