"""The commands on deployed jobs and their runs: options and help only.

What they do is in modules of their own, imported when a command runs: this one is loaded with
every command of the group.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from metaflow import parameters
from metaflow._vendor import click

from .flow_options import FlowCommand

_Command = Callable[..., Any]


def _job_options(command: _Command) -> _Command:
    """Options that choose the job and where it runs."""
    for option in (
        click.option("--name", help="The Dagster job.  [default: the flow's own]"),
        click.option(
            "--url",
            help="Webserver of a live Dagster deployment.  [default: METAFLOW_DAGSTER_URL, else "
            "the instance in DAGSTER_HOME, else an instance in the project's .metaflow/dagster]",
        ),
    ):
        command = option(command)
    return command


def _run_options(command: _Command) -> _Command:
    """Options of commands that start a run."""
    for option in (
        click.option("--run-id-file", help="Write the Metaflow run id to this file at once."),
        click.option(
            "--tag", "tags", multiple=True, help="Tag this run and its tasks. Repeatable."
        ),
        click.option(
            "--wait", is_flag=True, help="Follow the run to its end; the exit code tells success."
        ),
        click.option("--deployer-attribute-file", hidden=True, help="For the Deployer API."),
    ):
        command = option(command)
    return _job_options(command)


@parameters.add_custom_parameters(deploy_mode=False)
@click.command(cls=FlowCommand, help="Start a run of the deployed job.")
@_run_options
@click.option("--definitions-file", help="The generated file.  [default: the last one created]")
@click.pass_obj
def trigger(obj: Any, **values: Any) -> None:
    from .trigger import leave
    from .trigger import trigger as trigger_run

    leave(trigger_run(obj, values))


COMMANDS = (trigger,)
