"""``dagster publish-event``: start what waits for an event, from a shell."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, TypeGuard

from .._metaflow_internals import click, namespaced_event
from ..errors import DagsterRunError
from .common_options import as_json

if TYPE_CHECKING:
    from .._metaflow_internals.types import CliState


def _is_object(value: object) -> TypeGuard[dict[str, Any]]:
    return isinstance(value, dict)


def _namespaced(name: str) -> str:
    full_name = namespaced_event(name)
    if full_name is None:
        raise DagsterRunError(
            "This version of Metaflow has no namespaced events. Upgrade it, or publish the whole "
            "name without --namespaced."
        )
    return full_name


@click.command(
    "publish-event",
    help="""Publish an event: every flow deployed with @trigger for NAME starts a run.

    The fields of --payload set the flows' parameters. Any flow can publish any event.
    """,
)
@click.argument("name")
@click.option(
    "--payload", default="{}", show_default=True, help="The event's fields, as a JSON object."
)
@click.option(
    "--namespaced/--no-namespaced",
    default=False,
    show_default=True,
    help="Publish for this flow's project and branch, as namespaced_event_name(NAME) does.",
)
@click.option(
    "--url",
    help="Webserver of a live Dagster deployment.  [default: METAFLOW_DAGSTER_URL, else the "
    "instance in DAGSTER_HOME, else the project's embedded one]",
)
@as_json
@click.pass_obj
def publish_event(
    obj: CliState, name: str, payload: str, namespaced: bool, url: str | None, as_json: bool
) -> None:
    from ..events import DagsterEvent
    from .output import print_json

    try:
        fields = json.loads(payload)
    except ValueError as error:
        raise DagsterRunError(
            f"--payload is not JSON ({error}). Quote it for your shell."
        ) from error
    if not _is_object(fields):
        raise DagsterRunError('--payload is not a JSON object. Write it like {"field": "value"}.')
    full_name = _namespaced(name) if namespaced else name
    event_id = DagsterEvent(full_name, fields, url).publish(ignore_errors=False)
    if as_json:
        print_json(obj, {"name": full_name, "id": event_id})
        return
    obj.echo_always(str(event_id), err=False)
