"""``dagster pause`` and ``resume-schedule``: switch schedules and sensors off and on."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from ..deploy.tokens import check_token
from ..errors import DagsterRunError
from ..targets.base import Target
from ..targets.choose import choose_target
from ..targets.runs import Starter
from .jobs import find_deployment
from .output import print_json

if TYPE_CHECKING:
    from .._metaflow_internals.types import CliState


def switch(
    state: CliState,
    names: tuple[str, ...],
    name: str | None,
    url: str | None,
    authorize: str | None,
    as_json: bool,
    *,
    on: bool,
) -> None:
    """Switch what starts runs of the job, and say what has been switched.

    Raises:
        DagsterRunError: there is nothing of these names, or no running Dagster.
    """
    target = choose_target(url, state.flow_datastore)
    deployment = find_deployment(state, name, live=True)
    check_token(deployment, authorize, "resume-schedule" if on else "pause")
    switched = switch_starters(target, deployment.name, names, on=on)
    if as_json:
        content = [{"name": s.name, "kind": s.kind, "changed": s.is_on is not on} for s in switched]
        print_json(state, content)
        return
    if not switched:
        state.echo(f"Job *{deployment.name}* has no schedule and no sensor.")
    word = "on" if on else "off"
    for starter in switched:
        was = "" if starter.is_on is not on else " already"
        state.echo_always(
            f"{starter.kind} {starter.name} is{was} switched {word}", err=False, no_bold=True
        )


def switch_starters(
    target: Target, job: str, names: Collection[str] = (), *, on: bool
) -> list[Starter]:
    """Switch the schedule and the sensors of a job, or those named; as they were before.

    Raises:
        DagsterRunError: there is none of such a name, or Dagster refused.
    """
    starters = target.starters(job)
    unknown = sorted(set(names) - {starter.name for starter in starters})
    if unknown:
        there = ", ".join(starter.name for starter in starters) or "none"
        raise DagsterRunError(
            f"No schedule or sensor of job *{job}* is called {', '.join(unknown)}. There are: "
            f"{there}."
        )
    chosen = [starter for starter in starters if not names or starter.name in names]
    for starter in chosen:
        if starter.is_on is not on:
            target.switch(starter, on)
    return chosen
