"""The command group ``dagster`` of every flow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._metaflow_internals import click
from .cards_command import cards
from .create_command import create
from .operate import COMMANDS
from .publish_event import publish_event
from .suggestions import SuggestingGroup

if TYPE_CHECKING:
    from .._metaflow_internals.types import CliState

cli: Any = click.Group()
"""Metaflow merges the groups below this one into every flow's command line."""


@cli.group(cls=SuggestingGroup, help="Deploy this flow to Dagster and operate it there.")
@click.option("--name", help="Name of the Dagster job.  [default: the flow's name]")
@click.pass_obj
def dagster(obj: CliState, name: str | None) -> None:
    obj.dagster_job_name = name


for _command in (create, *COMMANDS, publish_event, cards):
    dagster.add_command(_command)


@dagster.command(
    hidden=True,
    help="Start one task through the launch hooks of its decorators. Used by generated files.",
    context_settings={"ignore_unknown_options": True},
)
@click.argument("arguments", nargs=-1)
@click.pass_obj
def launch(obj: CliState, arguments: tuple[str, ...]) -> None:
    from ..step.launch import launch as launch_task

    launch_task(obj, arguments[1:])
