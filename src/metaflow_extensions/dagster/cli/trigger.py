"""``dagster trigger`` and what it shares with ``dagster resume``: start a run, and follow it."""

from __future__ import annotations

import json
import sys
import time
import uuid
from typing import Any

from .._metaflow_internals import parameters_of
from ..contract import _make_run_id
from ..deploy.registry import Deployment
from ..errors import DagsterRunError
from ..graph import ends_of
from ..plan.parameters import config_keys
from ..targets.choose import choose_target
from ..targets.instance import LocalTarget, run_event
from ..targets.runs import Launch, RunEvent, RunInfo
from ..targets.webserver import LiveTarget
from .flow_options import given_parameters, own_value
from .jobs import find_deployment, is_stale

_POLL_SECONDS = 1.0


def trigger(state: Any, values: dict[str, Any]) -> bool:
    """Start a run of a deployed job; False if it was followed and did not succeed."""
    target = choose_target(own_value(values, "url"), state.flow_datastore)
    live = isinstance(target, LiveTarget)
    deployment = find_deployment(
        state, own_value(values, "name"), own_value(values, "definitions_file"), live=live
    )
    if not live and is_stale(state, deployment):
        state.echo(
            "The flow has changed since it was deployed; this runs it as it was deployed. "
            "Run `dagster create` again to deploy the changes.",
            fg="yellow",
        )
    return start_run(state, target, deployment, values, {})


def start_run(
    state: Any,
    target: LiveTarget | LocalTarget,
    deployment: Deployment,
    values: dict[str, Any],
    tags: dict[str, str],
    parameters: dict[str, Any] | None = None,
) -> bool:
    """Start a run with the parameters and tags of the command, say so, and follow it if asked.

    ``parameters`` are values for those that the command does not give.
    """
    dagster_run_id = str(uuid.uuid4())
    given = {**(parameters or {}), **given_parameters(state.flow, values)}
    launch = Launch(
        dagster_run_id=dagster_run_id,
        job=deployment.name,
        definitions_file=deployment.definitions_file,
        run_config=_run_config(state, given),
        tags={**tags, **_run_tags(state, deployment, own_value(values, "tags"), dagster_run_id)},
    )
    announce = _Announcement(state, target, deployment, values)
    if not own_value(values, "wait"):
        dagster_run_id = target.start(launch) or dagster_run_id
        announce(dagster_run_id)
        return True
    if isinstance(target, LiveTarget):
        dagster_run_id = target.start(launch)
        announce(dagster_run_id)
        return _follow(state, target, launch.job, dagster_run_id)
    progress = _Progress(state, _make_run_id(dagster_run_id))
    succeeded = target.run_here(
        launch, lambda: announce(dagster_run_id), lambda event: progress(run_event(event))
    )
    return progress.end(succeeded)


def _run_config(state: Any, given: dict[str, Any]) -> dict[str, Any]:
    if not given:
        return {}
    keys = config_keys(parameter.name for _, parameter in parameters_of(state.flow))
    config = {keys[name]: value for name, value in given.items()}
    return {"ops": {f"op_{ends_of(state.graph)[0]}": {"config": config}}}


def _run_tags(
    state: Any, deployment: Deployment, tags: tuple[str, ...], dagster_run_id: str
) -> dict[str, str]:
    run_tags = {"metaflow/run_id": _make_run_id(dagster_run_id)}
    if deployment.definitions_file:
        run_tags["metaflow/definitions_file"] = deployment.definitions_file
    if tags:
        run_tags["metaflow/tags"] = json.dumps(list(tags))
    return run_tags


class _Announcement:
    """Says which run has been started, to people and to programs."""

    def __init__(
        self,
        state: Any,
        target: LiveTarget | LocalTarget,
        deployment: Deployment,
        values: dict[str, Any],
    ) -> None:
        self._state = state
        self._target = target
        self._deployment = deployment
        self._run_id_file = own_value(values, "run_id_file")
        self._attribute_file = own_value(values, "deployer_attribute_file")

    def __call__(self, dagster_run_id: str) -> None:
        state, run_id = self._state, _make_run_id(dagster_run_id)
        if self._run_id_file:
            with open(self._run_id_file, "w", encoding="utf-8") as file:
                file.write(run_id)
        if self._attribute_file:
            content = {
                "name": run_id,
                "metadata": state.metadata.metadata_str(),
                "pathspec": f"{state.flow.name}/{run_id}",
                "dagster_run_id": dagster_run_id,
                "job": self._deployment.name,
                "target": self._target.address(),
            }
            # A FIFO: its reader wants everything at once, and then the end.
            with open(self._attribute_file, "w", encoding="utf-8") as file:
                file.write(json.dumps(content))
        run = RunInfo(
            dagster_run_id, run_id, self._deployment.name, "Pending", None, None,
            {"metaflow/definitions_file": self._deployment.definitions_file},
        )  # fmt: skip
        state.echo(
            f"Job *{self._deployment.name}* triggered on {self._target.description} "
            f"(run-id *{run_id}*).",
            bold=True,
        )
        state.echo(f"See the run: {self._target.how_to_open(run)}")


class _Progress:
    """Prints what happens in a run as it happens."""

    def __init__(self, state: Any, run_id: str) -> None:
        self._state = state
        self._run_id = run_id
        self._done = 0
        self._error = ""

    def __call__(self, event: RunEvent | None) -> None:
        """Take an event of the run."""
        if event is None:
            return
        if event.kind == "run failed":
            self._error = self._error or event.error or ""
            return
        if not event.step_key.startswith("op_"):  # helper ops run no task
            return
        task = event.step_key.removeprefix("op_")
        if event.kind == "started":
            self._say(f"{task}: started")
        elif event.kind == "done":
            self._done += 1
            tasks = "1 task" if self._done == 1 else f"{self._done} tasks"
            self._say(f"{task}: done ({tasks} done)")
        elif event.kind == "retry":
            self._say(f"{task}: failed, will be tried again")
        else:
            self._error = event.error or ""
            self._say(f"{task}: failed", error=True)

    def end(self, succeeded: bool) -> bool:
        """Say how the run ended; returns the same."""
        if succeeded:
            self._say("Done!")
        else:
            if self._error:
                self._state.echo_always(self._error, err=True, fg="red", no_bold=True)
            self._say("The run did not succeed.", error=True)
        return succeeded

    def _say(self, text: str, *, error: bool = False) -> None:
        when = time.strftime("%Y-%m-%d %H:%M:%S")
        line = f"{when} [{self._run_id}] {text}"
        self._state.echo_always(line, err=error, fg="red" if error else None, no_bold=True)


def _follow(state: Any, target: LiveTarget, job: str, dagster_run_id: str) -> bool:
    """Follow a run that goes on elsewhere, to its end."""
    progress, after = _Progress(state, _make_run_id(dagster_run_id)), None
    while True:
        run = target.find(job, dagster_run_id)
        if run is None:
            raise DagsterRunError(f"Run {dagster_run_id} is gone from {target.description}.")
        # Asked for after the run: one that has ended has all its events by then.
        events, after = target.events(dagster_run_id, after)
        for event in events:
            progress(event)
        if not run.is_running:
            return progress.end(run.status == "Succeeded")
        time.sleep(_POLL_SECONDS)


def exit_with(succeeded: bool) -> None:
    """End the command with the exit code that tells success."""
    sys.stdout.flush()
    sys.stderr.flush()
    if not succeeded:
        sys.exit(1)
