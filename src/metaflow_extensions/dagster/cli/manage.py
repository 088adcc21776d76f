"""``dagster status``, ``runs``, ``terminate``, ``delete`` and ``list``: what they do and print."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from ..contract.ops import task_label
from ..deploy.registry import Deployment, Registry
from ..deploy.tokens import check_token
from ..errors import DagsterRunError
from ..targets.base import Target
from ..targets.choose import choose_target
from ..targets.runs import RunInfo
from .jobs import find_deployment
from .output import Progress, as_dict, counted, job_as_dict, print_json, times
from .switches import switch_starters

if TYPE_CHECKING:
    from .._metaflow_internals.types import CliState

_COLORS = {"Succeeded": "green", "Failed": "red", "Terminated": "red"}


def show_status(
    state: CliState,
    run_id: str | None,
    name: str | None,
    url: str | None,
    as_json: bool,
    watch: bool = False,
) -> bool:
    """Print how a run stands: the given one, else the job's latest.

    Watched, it is followed to its end; False if it did not succeed then.
    """
    target, deployment = choose(state, name, url)
    run = find_run(target, deployment, run_id)
    progress = Progress(state, run.metaflow_run_id, quiet=as_json)
    if watch:
        for event in target.follow(run.job, run.dagster_run_id):
            progress(event)
        run = target.find(run.job, run.dagster_run_id) or run
    run = target.details(run)
    if as_json:
        print_json(state, as_dict(state, target, run))
    else:
        _print_status(state, target, run)
    return not watch or run.status == "Succeeded"


def _print_status(state: CliState, target: Target, run: RunInfo) -> None:
    total = len(state.graph.nodes)
    echo = functools.partial(state.echo_always, err=False)
    echo(f"{run.job} {run.metaflow_run_id}: {run.status}", fg=_COLORS.get(run.status), bold=True)
    done, steps = counted(run.steps_done or 0, "task"), counted(total, "step")
    echo(f"  {times(run)}; {done} done, {steps} in the flow", no_bold=True)
    if run.steps_failed:
        echo(f"  failed: {', '.join(task_label(key) for key in run.steps_failed)}")
    if run.error:
        echo("  " + run.error.strip().replace("\n", "\n  "), no_bold=True)
    echo(f"  {target.how_to_open(run)}", no_bold=True)


def show_runs(
    state: CliState, limit: int, name: str | None, url: str | None, as_json: bool
) -> None:
    """Print the job's latest runs."""
    target, deployment = choose(state, name, url)
    runs = target.list(deployment.name, limit)
    if as_json:
        print_json(state, [as_dict(state, target, run) for run in runs])
        return
    if not runs:
        state.echo(f"Job *{deployment.name}* has no runs on {target.description}.")
    for run in runs:
        line = f"{run.metaflow_run_id}  {run.status:<10}  {times(run)}"
        state.echo_always(line, err=False, fg=_COLORS.get(run.status), no_bold=True)


def terminate_run(
    state: CliState,
    run_id: str,
    name: str | None,
    url: str | None,
    authorize: str | None,
    as_json: bool,
) -> None:
    """Stop a run and the tasks that it is running."""
    target, deployment = choose(state, name, url)
    check_token(deployment, authorize, "terminate")
    run = find_run(target, deployment, run_id)
    if not run.is_running:
        raise DagsterRunError(f"Run *{run.metaflow_run_id}* has ended already: {run.status}.")
    if not target.terminate(run):
        raise DagsterRunError(
            f"Run *{run.metaflow_run_id}* has been told to stop and has not ended yet. See: "
            + target.how_to_open(run)
        )
    if as_json:
        run = target.find(run.job, run.dagster_run_id) or run
        print_json(state, as_dict(state, target, run))
        return
    state.echo(f"Run *{run.metaflow_run_id}* has been terminated.", bold=True)


def delete_job(
    state: CliState, name: str | None, url: str | None, authorize: str | None, as_json: bool
) -> None:
    """Forget a deployment; runs that it has made stay, and the file stays as it is.

    In a live deployment its schedule and sensors are switched off.
    """
    deployment = find_deployment(state, name, live=True)
    if not deployment.definitions_file:
        raise DagsterRunError(f"There is no job *{deployment.name}* of flow *{state.flow.name}*.")
    check_token(deployment, authorize, "delete")
    target = choose_target(url, state.flow_datastore)
    stopped = switch_starters(target, deployment.name, on=False) if target.is_live else []
    Registry.of(state.flow_datastore).delete(deployment.name)
    if as_json:
        off = [starter.name for starter in stopped]
        print_json(state, {**job_as_dict(deployment), "switched_off": off})
        return
    state.echo(
        f"Job *{deployment.name}* is no longer deployed. Runs in progress continue. "
        + "".join(f"{starter.name} is switched off. " for starter in stopped)
        + f"Take {deployment.definitions_file} out of Dagster's workspace, if it is in one.",
        bold=True,
    )


def list_jobs(state: CliState, as_json: bool) -> None:
    """Print this flow's deployments."""
    jobs = [d for d in Registry.of(state.flow_datastore).all() if d.flow_name == state.flow.name]
    if as_json:
        print_json(state, [job_as_dict(job) for job in jobs])
        return
    if not jobs:
        state.echo(f"Flow *{state.flow.name}* has no deployments here.")
    for job in jobs:
        where = f"{job.project} {job.branch}  " if job.project else ""
        line = f"{job.name}  {where}{job.user}  {job.definitions_file}"
        state.echo_always(line, err=False, no_bold=True)


def find_run(target: Target, deployment: Deployment, run_id: str | None) -> RunInfo:
    """A run of a job; without an id its latest one.

    Raises:
        DagsterRunError: the job has no such run.
    """
    if run_id is None:
        latest = target.list(deployment.name, 1)
        if not latest:
            raise DagsterRunError(
                f"Job *{deployment.name}* has no runs on {target.description}. Start one with: "
                "dagster trigger"
            )
        return latest[0]
    run = target.find(deployment.name, run_id)
    if run is None:
        raise DagsterRunError(
            f"Job *{deployment.name}* has no run *{run_id}* on {target.description}. "
            "`dagster runs` lists its runs."
        )
    return run


def choose(state: CliState, name: str | None, url: str | None) -> tuple[Target, Deployment]:
    """The Dagster and the job that a command is about."""
    target = choose_target(url, state.flow_datastore)
    # A job whose file is gone still has runs.
    deployment = find_deployment(state, name, live=True)
    if not target.is_live and not deployment.definitions_file:
        find_deployment(state, name)
    return target, deployment
