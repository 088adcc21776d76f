"""``dagster status``, ``runs``, ``terminate``, ``delete`` and ``list``: what they do and print."""

from __future__ import annotations

import functools
import json
import time
from typing import Any

from ..deploy.registry import Deployment, Registry
from ..deploy.tokens import check_token
from ..errors import DagsterRunError
from ..targets.choose import choose_target
from ..targets.runs import RunInfo
from ..targets.webserver import LiveTarget
from .jobs import find_deployment

_COLORS = {"Succeeded": "green", "Failed": "red", "Terminated": "red"}


def show_status(
    state: Any, run_id: str | None, name: str | None, url: str | None, as_json: bool
) -> None:
    """Print how a run stands: the given one, else the job's latest."""
    target, deployment = _choose(state, name, url)
    if run_id is None:
        latest = target.list(deployment.name, 1)
        if not latest:
            raise DagsterRunError(
                f"Job *{deployment.name}* has no runs on {target.description}. Start one with: "
                "dagster trigger"
            )
        run = latest[0]
    else:
        run = find_run(target, deployment, run_id)
    run = target.details(run)
    if as_json:
        _print_json(state, _as_dict(run) | {"open": target.how_to_open(run)})
        return
    total = len(state.graph.nodes)
    echo = functools.partial(state.echo_always, err=False)
    echo(f"{run.job} {run.metaflow_run_id}: {run.status}", fg=_COLORS.get(run.status), bold=True)
    echo(f"  {_times(run)}; {run.steps_done} tasks done, {total} steps in the flow", no_bold=True)
    if run.steps_failed:
        echo(f"  failed: {', '.join(key.removeprefix('op_') for key in run.steps_failed)}")
    if run.error:
        echo("  " + run.error.strip().replace("\n", "\n  "), no_bold=True)
    echo(f"  {target.how_to_open(run)}", no_bold=True)


def show_runs(state: Any, limit: int, name: str | None, url: str | None, as_json: bool) -> None:
    """Print the job's latest runs."""
    target, deployment = _choose(state, name, url)
    runs = target.list(deployment.name, limit)
    if as_json:
        _print_json(state, [_as_dict(run) for run in runs])
        return
    if not runs:
        state.echo(f"Job *{deployment.name}* has no runs on {target.description}.")
    for run in runs:
        line = f"{run.metaflow_run_id}  {run.status:<10}  {_times(run)}"
        state.echo_always(line, err=False, fg=_COLORS.get(run.status), no_bold=True)


def terminate_run(
    state: Any, run_id: str, name: str | None, url: str | None, authorize: str | None
) -> None:
    """Stop a run and the tasks that it is running."""
    target, deployment = _choose(state, name, url)
    check_token(deployment, authorize, "terminate")
    run = find_run(target, deployment, run_id)
    if not run.is_running:
        raise DagsterRunError(f"Run *{run.metaflow_run_id}* has ended already: {run.status}.")
    if not target.terminate(run):
        raise DagsterRunError(
            f"Run *{run.metaflow_run_id}* has been told to stop and has not ended yet. See: "
            + target.how_to_open(run)
        )
    state.echo(f"Run *{run.metaflow_run_id}* has been terminated.", bold=True)


def delete_job(state: Any, name: str | None, url: str | None, authorize: str | None) -> None:
    """Forget a deployment; runs that it has made stay, and the file stays as it is.

    In a live deployment its schedule and sensors are switched off.
    """
    deployment = find_deployment(state, name, live=True)
    if not deployment.definitions_file:
        raise DagsterRunError(f"There is no job *{deployment.name}* of flow *{state.flow.name}*.")
    check_token(deployment, authorize, "delete")
    target = choose_target(url, state.flow_datastore)
    stopped = target.stop_starters(deployment.name) if isinstance(target, LiveTarget) else []
    Registry.of(state.flow_datastore).delete(deployment.name)
    state.echo(
        f"Job *{deployment.name}* is no longer deployed. Runs in flight go on. "
        + "".join(f"{starter} is switched off. " for starter in stopped)
        + f"Take {deployment.definitions_file} out of Dagster's workspace, if it is in one.",
        bold=True,
    )


def list_jobs(state: Any, as_json: bool) -> None:
    """Print this flow's deployments."""
    jobs = [d for d in Registry.of(state.flow_datastore).all() if d.flow_name == state.flow.name]
    if as_json:
        content = [
            {
                "name": job.name,
                "flow": job.flow_name,
                "definitions_file": job.definitions_file,
                "user": job.user,
                "project": job.project,
                "branch": job.branch,
            }
            for job in jobs
        ]
        _print_json(state, content)
        return
    if not jobs:
        state.echo(f"Flow *{state.flow.name}* has no deployments here.")
    for job in jobs:
        where = f"{job.project} {job.branch}  " if job.project else ""
        line = f"{job.name}  {where}{job.user}  {job.definitions_file}"
        state.echo_always(line, err=False, no_bold=True)


def find_run(target: Any, deployment: Deployment, run_id: str) -> RunInfo:
    """A run of a job.

    Raises:
        DagsterRunError: the job has no such run.
    """
    run = target.find(deployment.name, run_id)
    if run is None:
        raise DagsterRunError(
            f"Job *{deployment.name}* has no run *{run_id}* on {target.description}. "
            "`dagster runs` lists its runs."
        )
    return run


def _choose(state: Any, name: str | None, url: str | None) -> tuple[Any, Deployment]:
    target = choose_target(url, state.flow_datastore)
    live = isinstance(target, LiveTarget)
    # A job whose file is gone still has runs.
    deployment = find_deployment(state, name, live=True)
    if not live and not deployment.definitions_file:
        find_deployment(state, name)
    return target, deployment


def _as_dict(run: RunInfo) -> dict[str, Any]:
    content = {
        "run_id": run.metaflow_run_id,
        "dagster_run_id": run.dagster_run_id,
        "job": run.job,
        "status": run.status,
        "started": run.started,
        "ended": run.ended,
    }
    if run.steps_done is not None:
        content |= {
            "tasks_done": run.steps_done,
            "tasks_failed": list(run.steps_failed),
            "error": run.error,
        }
    return content


def _times(run: RunInfo) -> str:
    if run.started is None:
        return "not started"
    begun = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(run.started))
    seconds = (run.ended or time.time()) - run.started
    return f"started {begun}, {'took' if run.ended else 'for'} {seconds:.0f} s"


def _print_json(state: Any, content: Any) -> None:
    state.echo_always(json.dumps(content, indent=2), err=False, no_bold=True)
