"""``dagster trigger`` and what it shares with ``dagster resume``: start a run, and follow it."""

from __future__ import annotations

import json
import sys
import uuid
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from .._metaflow_internals import parameters_of
from ..contract import _make_run_id, tags
from ..contract.ops import op_key
from ..deploy.registry import Deployment, Registry
from ..graph import ends_of
from ..plan.parameters import config_keys
from ..targets.base import Target
from ..targets.choose import choose_target
from ..targets.runs import Launch, RunInfo
from .flow_options import given_parameters, own_value
from .jobs import find_deployment, how_to_renew, is_stale
from .output import Progress, as_dict, print_json

if TYPE_CHECKING:
    from .._metaflow_internals.types import CliState


def trigger(state: CliState, values: dict[str, Any]) -> bool:
    """Start a run of a deployed job; False if it was followed and did not succeed."""
    target = choose_target(own_value(values, "url"), state.flow_datastore)
    deployment = find_deployment(
        state, own_value(values, "name"), own_value(values, "definitions_file"), live=target.is_live
    )
    if not target.is_live and is_stale(state, deployment):
        state.echo(
            "The flow has changed since it was deployed; this runs it as it was deployed. "
            f"To deploy the changes: {how_to_renew(deployment)}",
            fg="yellow",
        )
    return start_run(state, target, deployment, values, {})


def start_run(
    state: CliState,
    target: Target,
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
        announce(target.start(launch))
        return True
    progress = Progress(state, _make_run_id(dagster_run_id), quiet=announce.as_json)

    def started(dagster_run_id: str) -> None:
        progress.run_id = _make_run_id(dagster_run_id)  # a live deployment chooses its own
        announce(dagster_run_id)

    succeeded = target.run(launch, started, progress)
    announce.end()
    return progress.end(succeeded)


def _run_config(state: CliState, given: dict[str, Any]) -> dict[str, Any]:
    if not given:
        return {}
    keys = config_keys(parameter.name for _, parameter in parameters_of(state.flow))
    config = {keys[name]: value for name, value in given.items()}
    return {"ops": {op_key(ends_of(state.graph)[0]): {"config": config}}}


def _run_tags(
    state: CliState, deployment: Deployment, given: tuple[str, ...], dagster_run_id: str
) -> dict[str, str]:
    run_tags = {tags.RUN_ID: _make_run_id(dagster_run_id)}
    if deployment.definitions_file:
        run_tags[tags.DEFINITIONS_FILE] = deployment.definitions_file
    if given:
        run_tags[tags.TAGS] = json.dumps(list(given))
    return run_tags


class _Announcement:
    """Says which run has been started, to people and to programs."""

    def __init__(
        self,
        state: CliState,
        target: Target,
        deployment: Deployment,
        values: dict[str, Any],
    ) -> None:
        self._state = state
        self._target = target
        self._deployment = deployment
        self._run_id_file = own_value(values, "run_id_file")
        self._attribute_file = own_value(values, "deployer_attribute_file")
        self._waits = own_value(values, "wait")
        self.as_json: bool = own_value(values, "as_json")
        self._run: RunInfo | None = None

    def __call__(self, dagster_run_id: str) -> None:
        state, run_id = self._state, _make_run_id(dagster_run_id)
        if self._run_id_file:
            with open(self._run_id_file, "w", encoding="utf-8") as file:
                file.write(run_id)
        self._note_target(run_id)
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
        self._run = run = RunInfo(
            dagster_run_id, run_id, self._deployment.name, "Pending", None, None,
            {tags.DEFINITIONS_FILE: self._deployment.definitions_file},
        )  # fmt: skip
        if self.as_json:
            if not self._waits:
                print_json(state, as_dict(state, self._target, run))
            return
        state.echo(
            f"Job *{self._deployment.name}* triggered on {self._target.description} "
            f"(run-id *{run_id}*).",
            bold=True,
        )
        state.echo(f"See the run: {self._target.how_to_open(run)}")

    def _note_target(self, run_id: str) -> None:
        """Let other processes find the run where it went (``DeployedFlow.get_triggered_run``)."""
        address = self._target.address()
        url: str = address.get("url", "")
        if "@" in urlsplit(url).netloc:  # a password
            return
        try:
            registry = Registry.of(self._state.flow_datastore)
            registry.save_run(self._deployment.name, run_id, address)
        except Exception as error:  # the datastore's own; the run is on all the same
            self._state.echo(f"Could not record where the run went: {error}", fg="yellow")

    def end(self) -> None:
        """Say to a program how the run has ended."""
        if self.as_json and self._run is not None:
            run = self._target.find(self._run.job, self._run.dagster_run_id) or self._run
            content = as_dict(self._state, self._target, self._target.details(run))
            print_json(self._state, content)


def exit_with(succeeded: bool) -> None:
    """End the command with the exit code that tells success."""
    sys.stdout.flush()
    sys.stderr.flush()
    if not succeeded:
        sys.exit(1)
