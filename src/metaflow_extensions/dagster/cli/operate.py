"""The commands on deployed jobs and their runs: options and help only.

What they do is in modules of their own, imported when a command runs: this one is loaded with
every command of the group.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from metaflow import parameters

from .._metaflow_internals import click
from .common_options import Command, as_json
from .flow_options import FlowCommand

if TYPE_CHECKING:
    from .._metaflow_internals.types import CliState


def _job_options(command: Command) -> Command:
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


def _run_options(command: Command) -> Command:
    """Options of commands that start a run."""
    for option in (
        click.option("--run-id-file", help="Write the Metaflow run id to this file at once."),
        click.option(
            "--tag", "tags", multiple=True, help="Tag this run and its tasks. Repeatable."
        ),
        click.option(
            "--wait",
            is_flag=True,
            help="Follow the run to its end; the exit code says whether it succeeded.",
        ),
        as_json,
        click.option("--deployer-attribute-file", hidden=True, help="For the Deployer API."),
    ):
        command = option(command)
    return _job_options(command)


@parameters.add_custom_parameters(deploy_mode=False)
@click.command(cls=FlowCommand, help="Start a run of the deployed job.")
@_run_options
@click.option("--definitions-file", help="The generated file.  [default: the last one created]")
@click.pass_obj
def trigger(obj: CliState, **values: Any) -> None:
    from .trigger import exit_with
    from .trigger import trigger as trigger_run

    exit_with(trigger_run(obj, values))


@parameters.add_custom_parameters(deploy_mode=False)
@click.command(
    cls=FlowCommand,
    demands=False,
    help="""Start a run that reuses the finished tasks of another one.

    The run continues where RUN stopped, or from STEP if that is given, with the flow as it is now.
    Parameters and configs are those of RUN, except for parameters given here.
    """,
)
@click.argument("step_to_rerun", required=False, metavar="[STEP]")
@click.option("--authorize", metavar="TOKEN", help="Show the production token of the job.")
@click.option("--origin-run-id", metavar="RUN", help="The Metaflow run to continue from.")
@click.option(
    "--as-deployed",
    is_flag=True,
    help="Run the flow as it was deployed, not as it is now. A live deployment always does.",
)
@_run_options
@click.pass_obj
def resume(obj: CliState, **values: Any) -> None:
    from .resume import resume as resume_run
    from .trigger import exit_with

    exit_with(resume_run(obj, values))


@click.command(
    hidden=True,
    help="Begin a run that resumes another one. Used by generated files.",
    context_settings={"ignore_unknown_options": True},
)
@click.argument("origin_run_id")
@click.argument("step")
@click.argument("only")
@click.argument("arguments", nargs=-1)
@click.option("--ids-by-step", is_flag=True)
@click.pass_obj
def clone(
    obj: CliState,
    origin_run_id: str,
    step: str,
    only: str,
    arguments: tuple[str, ...],
    ids_by_step: bool,
) -> None:
    from ..step.clone import clone as clone_run

    clone_run(obj, origin_run_id, step, only, arguments[1:], ids_by_step)


def _authorize(command: Command) -> Command:
    return click.option(
        "--authorize", metavar="TOKEN", help="Show the production token of the job."
    )(command)


@click.command(help="Show the status of a run: RUN_ID, or the latest one of the job.")
@click.argument("run_id", required=False)
@click.option(
    "--watch",
    is_flag=True,
    help="Follow the run to its end; the exit code says whether it succeeded.",
)
@_job_options
@as_json
@click.pass_obj
def status(
    obj: CliState, run_id: str | None, watch: bool, name: str | None, url: str | None, as_json: bool
) -> None:
    from .manage import show_status
    from .trigger import exit_with

    exit_with(show_status(obj, run_id, name, url, as_json, watch))


@click.command(
    help="""Print the output of a run's tasks, and follow it until the run ends.

    Without RUN_ID it is the latest run; STEP is a step, or a task of it such as train[3].
    """
)
@click.argument("run_id", required=False)
@click.argument("step", required=False)
@click.option(
    "--follow/--no-follow",
    default=True,
    show_default=True,
    help="Continue until the run ends.",
)
@_job_options
@as_json
@click.pass_obj
def logs(
    obj: CliState,
    run_id: str | None,
    step: str | None,
    follow: bool,
    name: str | None,
    url: str | None,
    as_json: bool,
) -> None:
    from .logs import show_logs

    show_logs(obj, run_id, step, name, url, follow, as_json)


@click.command(help="List the latest runs of the job.")
@click.option("--limit", default=20, show_default=True, help="How many at most.")
@_job_options
@as_json
@click.pass_obj
def runs(obj: CliState, limit: int, name: str | None, url: str | None, as_json: bool) -> None:
    from .manage import show_runs

    show_runs(obj, limit, name, url, as_json)


@click.command(help="Stop a run and all that it is running.")
@click.argument("run_id")
@_job_options
@_authorize
@as_json
@click.pass_obj
def terminate(obj: CliState, **values: Any) -> None:
    from .manage import terminate_run

    terminate_run(obj, **values)


@click.command(help="Remove the job: it can no longer be triggered. Its runs stay.")
@_job_options
@_authorize
@as_json
@click.pass_obj
def delete(obj: CliState, **values: Any) -> None:
    from .manage import delete_job

    delete_job(obj, **values)


@click.command(
    help="""Delete old runs of the job, with their events, from Dagster's storage.

    What Metaflow keeps of them stays. Runs in progress, and those that they re-execute, are never
    deleted.
    """
)
@click.option(
    "--older-than",
    required=True,
    metavar="TIME",
    help="Runs that ended longer ago: 90m, 12h, 30d, 8w.",
)
@click.option("--failed", is_flag=True, help="Also runs that failed or were terminated.")
@click.option("--dry-run", is_flag=True, help="Only say which runs that would be.")
@_job_options
@_authorize
@as_json
@click.pass_obj
def prune(obj: CliState, **values: Any) -> None:
    from .prune import prune as prune_runs

    prune_runs(obj, **values)


@click.command("list", help="List the deployments of this flow.")
@as_json
@click.pass_obj
def list_(obj: CliState, as_json: bool) -> None:
    from .manage import list_jobs

    list_jobs(obj, as_json)


def _switching(command_name: str, state: str) -> Any:
    """A command that switches what starts runs of the job ``on`` or ``off``."""

    @click.command(
        command_name,
        help=f"Switch {state} the schedule and the sensors that start runs of the job, or those "
        "called NAME.",
    )
    @click.argument("names", nargs=-1, metavar="[NAME]...")
    @_job_options
    @_authorize
    @as_json
    @click.pass_obj
    def command(
        obj: CliState,
        names: tuple[str, ...],
        name: str | None,
        url: str | None,
        authorize: str | None,
        as_json: bool,
    ) -> None:
        from .switches import switch

        switch(obj, names, name, url, authorize, as_json, on=state == "on")

    return command


pause = _switching("pause", "off")
resume_schedule = _switching("resume-schedule", "on")


@click.command(
    help="Check versions, user, datastore, metadata, instance, webserver and deployment. The exit "
    "code is 1 if something is wrong."
)
@_job_options
@as_json
@click.pass_obj
def doctor(obj: CliState, name: str | None, url: str | None, as_json: bool) -> None:
    from .doctor import examine
    from .trigger import exit_with

    exit_with(examine(obj, name, url, as_json))


COMMANDS = (
    trigger,
    resume,
    status,
    logs,
    runs,
    terminate,
    pause,
    resume_schedule,
    delete,
    prune,
    list_,
    doctor,
    clone,
)
