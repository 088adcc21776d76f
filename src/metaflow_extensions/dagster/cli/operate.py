"""The commands on deployed jobs and their runs: options and help only.

What they do is in modules of their own, imported when a command runs: this one is loaded with
every command of the group.
"""

from __future__ import annotations

import functools
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


@parameters.add_custom_parameters(deploy_mode=False)
@click.command(
    cls=functools.partial(FlowCommand, demands=False),
    help="""Start a run that reuses the finished tasks of another one.

    The run goes on where run RUN stopped, or from STEP where that is given, with the flow as it is
    now. Parameters and configs are those of RUN, but for parameters given here.
    """,
)
@click.argument("step_to_rerun", required=False, metavar="[STEP]")
@click.option("--authorize", metavar="TOKEN", help="Show the production token of the job.")
@click.option("--origin-run-id", metavar="RUN", help="The Metaflow run to go on from.")
@_run_options
@click.pass_obj
def resume(obj: Any, **values: Any) -> None:
    from .resume import resume as resume_run
    from .trigger import leave

    leave(resume_run(obj, values))


@click.command(
    hidden=True,
    help="Begin a run that resumes another one. Used by generated files.",
    context_settings={"ignore_unknown_options": True},
)
@click.argument("origin_run_id")
@click.argument("step")
@click.argument("only")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
@click.pass_obj
def clone(obj: Any, origin_run_id: str, step: str, only: str, arguments: tuple[str, ...]) -> None:
    from .clone import clone as clone_run

    clone_run(obj, origin_run_id, step, only, arguments[1:])


COMMANDS = (trigger, resume, clone)
