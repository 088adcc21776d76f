"""``@schedule`` as a Dagster schedule."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import DagsterDeployError, Problems
from ..graph import FlowView
from .cron import five_field_cron


@dataclass(frozen=True)
class SchedulePlan:
    """When the job starts by itself."""

    cron: str
    """Five fields that Dagster accepts."""
    timezone: str | None
    """A name of the IANA database; None is UTC, in Metaflow as in Dagster."""


def plan_schedule(view: FlowView) -> SchedulePlan | None:
    """Plan the schedule of a flow, if it has one.

    Raises:
        DagsterDeployError: The cron expression or the timezone cannot be used.
    """
    if view.schedule is None:
        return None
    problems = Problems()
    cron = problems.attempt(five_field_cron, view.schedule.cron, "@schedule")
    timezone = problems.attempt(check_timezone, view.schedule.timezone, "@schedule")
    problems.raise_all()
    return SchedulePlan(cron=cron or "", timezone=timezone)


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
