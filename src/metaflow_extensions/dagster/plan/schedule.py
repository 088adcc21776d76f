"""``@schedule`` as a Dagster schedule."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .._metaflow_internals import flow_decorators_of
from ..errors import DagsterDeployError
from .cron import five_field_cron


@dataclass(frozen=True)
class SchedulePlan:
    """When the job starts by itself."""

    cron: str
    """Five fields that Dagster accepts."""
    timezone: str | None
    """A name of the IANA database; None is UTC, in Metaflow as in Dagster."""


def plan_schedule(flow: Any) -> SchedulePlan | None:
    """Plan the schedule of ``flow``, whose flow decorators are initialised.

    ``@schedule`` with every kind of time switched off schedules nothing, as for Argo
    (``_get_schedule`` in metaflow/plugins/argo/argo_workflows.py).

    Raises:
        DagsterDeployError: The cron expression or the timezone cannot be used.
    """
    decorators = flow_decorators_of(flow, "schedule")
    if not decorators or decorators[0].schedule is None:
        return None
    (schedule, *_) = decorators
    return SchedulePlan(
        cron=five_field_cron(schedule.schedule, "@schedule"),
        timezone=check_timezone(schedule.timezone, "@schedule"),
    )


def check_timezone(name: str | None, source: str) -> str | None:
    """``name``, if it is a timezone that this machine knows.

    Raises:
        DagsterDeployError: It is not.
    """
    if not name:
        return None
    import zoneinfo  # only where it is needed: it takes a while

    try:
        zoneinfo.ZoneInfo(name)
    # A name of a directory or with odd characters fails as a file name does.
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError, TypeError) as error:
        raise DagsterDeployError(
            f"The timezone *{name}* of *{source}* is unknown. Use a name of the IANA database, "
            "such as Europe/Zurich or UTC."
        ) from error
    return name
