"""``DagsterEvent``: an event for ``@trigger``, in the manner of Metaflow's ``ArgoEvent``.

Metaflow loads this module in every process, so whatever is not needed to define the class is
imported where it is used.
"""

from __future__ import annotations

import json
import os
import re
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

from metaflow.exception import MetaflowException

from .._metaflow_internals.untyped import setting
from ..contract import variables
from .errors import DagsterEventException

_NAME = re.compile(r"[A-Za-z0-9_.-]+")


class DagsterEvent:
    """A message that starts the flows deployed with ``@trigger`` for its name.

    Published events go to Dagster's event log: to the webserver named by ``url`` or
    METAFLOW_DAGSTER_URL, else to the instance in DAGSTER_HOME, else to the project's embedded
    one. In a step of a run that Dagster executes, that is the run's own instance.

    Args:
        name: The event's name (letters, digits, ``_``, ``-`` and ``.``), or a function without
            arguments that returns it, such as ``namespaced_event_name("ready")``.
        payload: Fields of the event, which set parameters of triggered flows.
        url: A Dagster webserver, such as ``http://localhost:3000``.

    Raises:
        DagsterEventException: The name is not valid.
    """

    def __init__(
        self,
        name: str | Callable[[], str],
        payload: Mapping[str, Any] | None = None,
        url: str | None = None,
    ) -> None:
        self._name = _checked(name() if callable(name) else name)
        self._payload = {key: _plain(value) for key, value in (payload or {}).items()}
        self._url = url

    def __repr__(self) -> str:
        return f"DagsterEvent({self._name!r}, {self._payload!r})"

    def add_to_payload(self, key: str, value: Any) -> DagsterEvent:
        """Set a field. Data that JSON has stays as it is; anything else becomes its text."""
        self._payload[key] = _plain(value)
        return self

    def safe_publish(
        self, payload: Mapping[str, Any] | None = None, ignore_errors: bool = True
    ) -> str | None:
        """Publish, if this is a step of a run that Dagster executes; else do nothing.

        So a flow that publishes can be run locally without starting others.
        """
        return self.publish(payload, force=False, ignore_errors=ignore_errors)

    def publish(
        self,
        payload: Mapping[str, Any] | None = None,
        force: bool = True,
        ignore_errors: bool = True,
    ) -> str | None:
        """Publish the event; returns once it is in Dagster's event log.

        Args:
            payload: Further fields for this time.
            force: Publish also outside of a run that Dagster executes.
            ignore_errors: Say on stderr what went wrong, instead of raising it.

        Returns:
            The event's id, or None if it was not published.

        Raises:
            DagsterEventException: It could not be published, and errors are not ignored.
        """
        try:
            if not force and not os.environ.get(variables.RUN_ID):
                raise DagsterEventException(
                    f"Event {self._name} was not published: this run is not one of a deployed "
                    "flow. Use publish() to publish it all the same."
                )
            fields = self._fields(payload or {})
            _send(self._name, fields, self._url)
        except MetaflowException as error:
            if not ignore_errors:
                raise
            print(error.message, file=sys.stderr)
            return None
        print(f"Event {self._name} published.", file=sys.stderr)
        return fields["id"]

    def _fields(self, payload: Mapping[str, Any]) -> dict[str, Any]:
        """The payload and the fields that every event has, as those of ``ArgoEvent``."""
        import uuid

        now = time.time()
        return {
            "name": self._name,
            "id": str(uuid.uuid4()),
            "timestamp": int(now),
            "utc_date": time.strftime("%Y%m%d", time.gmtime(now)),
            "generated-by-metaflow": True,
            **self._payload,
            **{key: _plain(value) for key, value in payload.items()},
        }


def _checked(name: object) -> str:
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise DagsterEventException(
            f"{name!r} is not a valid event name. Use letters, digits, underscores, dashes "
            "and dots."
        )
    return name


def _plain(value: Any) -> Any:
    """JSON data, or text."""
    try:
        return json.loads(json.dumps(value, allow_nan=False))
    except (TypeError, ValueError):
        return str(value)


def _send(name: str, fields: dict[str, Any], url: str | None) -> None:
    """Write an event to the event log that is configured (see ``deploy.targets``)."""
    configured = url or setting(variables.URL_SETTING)
    if configured:
        from .http import post_event

        post_event(configured, name, fields)
        return
    try:
        from .local import report_event
    except ImportError as error:
        raise DagsterEventException(
            f"Event {name} was not published: Dagster is not installed here. Install it, or set "
            "METAFLOW_DAGSTER_URL to a Dagster webserver."
        ) from error
    report_event(name, fields)
