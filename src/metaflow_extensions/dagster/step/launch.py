"""``dagster launch``: start a task through the launch hooks of its decorators.

Native calls ``runtime_step_cli`` in the process that schedules the run, with the flow loaded
(metaflow/runtime.py, Worker._launch). Here that is a short process per attempt: it loads the
flow, lets the hooks change the command line, and then becomes that command.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import tempfile
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from metaflow.exception import METAFLOW_EXIT_DISALLOW_RETRY
from metaflow.unbounded_foreach import UBF_CONTROL

from .._metaflow_internals import call_hook, step_decorators_of, tell_launch_hooks
from .._metaflow_internals.batch import fit_batch_jobs
from .._metaflow_internals.package import MetaflowPackage, build_package
from .._metaflow_internals.untyped import (
    config_values,
    expand_paths,
    launch_arguments,
    runtime_task,
    step_command,
)
from ..contract import variables
from ..errors import DagsterRunError
from .environments import prepare_environment

if TYPE_CHECKING:
    from .._metaflow_internals.types import CliState, StepDecorator


def launch(state: CliState, arguments: Sequence[str]) -> None:
    """Run the launch hooks of one task and replace this process by the resulting command.

    Args:
        state: Metaflow's ``CliState`` with the flow loaded.
        arguments: What follows ``step`` on the command line of Metaflow's own command.
    """
    options = step_command().make_context("step", list(arguments)).params
    step_name, run_id = options["step_name"], options["run_id"]
    retry_count, user_retries = options["retry_count"], options["max_user_code_retries"]
    ubf_context = None if options["ubf_context"] == "none" else options["ubf_context"]
    split_index = options["split_index"]

    decorators = step_decorators_of(state.flow, step_name)
    package = _LazyPackage(state)
    try:
        prepare_environment(state, step_name, decorators, package.package_metadata)
    except DagsterRunError as error:  # which no other attempt would mend
        sys.stderr.write(f"{error.message}\n")
        sys.exit(METAFLOW_EXIT_DISALLOW_RETRY)
    tell_launch_hooks(run_id=run_id)
    for deco in decorators:
        call_hook(deco, "runtime_init", (step_name,), (state.flow, state.graph, package, run_id))

    state.metadata.add_sticky_tags(tags=options["opt_tag"])
    task = runtime_task(
        state.flow_datastore,
        state.flow,
        step_name,
        run_id,
        state.metadata,
        state.environment,
        state.entrypoint,
        state.event_logger,
        state.monitor,
        input_paths=_input_paths(options),
        decos=decorators,
        logger=state.logger,
        split_index=None if split_index is None else str(split_index),
        ubf_context=ubf_context,
        ubf_iter=_Gang(options["num_parallel"]) if ubf_context == UBF_CONTROL else None,
        task_id=options["task_id"],
    )
    task.user_code_retries = user_retries
    if retry_count:
        task.retries = retry_count
        task.new_attempt()

    args = launch_arguments(task)
    if options["opt_namespace"] is not None:
        args.command_options["namespace"] = options["opt_namespace"]
    tell_launch_hooks(retry_count=retry_count, max_user_code_retries=user_retries)
    for deco in decorators:
        call_hook(
            deco,
            "runtime_step_cli",
            (step_name, args),
            (args, retry_count, user_retries, ubf_context),
        )
    if configs := config_values(state.flow):
        args.top_level_options["local-config-file"] = _config_file(configs)
    command_line = args.get_args()
    env = {**os.environ, **args.get_env()}
    if args.commands != ["step"]:
        env[variables.WAITS] = "1"
    sys.stdout.flush()
    os.execvpe(command_line[0], command_line, env)


def prepare_to_wait(decorators: Sequence[StepDecorator]) -> None:
    """Prepare this process to start a task elsewhere and to wait for it.

    SIGTERM ends it as an exit does. Natively the user's Ctrl-C reaches the command that waits,
    whose exit handlers end the pod or the Batch job (``best_effort_kill`` in metaflow/plugins). An
    op ends its processes by SIGTERM.

    Args:
        decorators: Those of the task's step.
    """
    signal.signal(signal.SIGTERM, _exit)
    if any(deco.name == "batch" for deco in decorators):
        fit_batch_jobs()


def _exit(number: int, frame: object) -> None:
    signal.signal(number, signal.SIG_IGN)  # the handlers are to come to their end
    sys.exit(128 + number)


class _Gang:
    """What the control task of a gang is told, in the shape that the decorators read."""

    def __init__(self, num_parallel: int) -> None:
        self.num_parallel = num_parallel


class _LazyPackage:
    """The code package of the deployment; built again only for decorators that ask for more."""

    def __init__(self, state: CliState) -> None:
        self._state = state
        # Set for every task of a deployment (``code_of`` in driver/code.py).
        self.package_metadata = os.environ["METAFLOW_CODE_METADATA"]

    def package_sha(self, timeout: float | None = None) -> str:
        return os.environ["METAFLOW_CODE_SHA"]

    def package_url(self, timeout: float | None = None) -> str:
        return os.environ["METAFLOW_CODE_URL"]

    @cached_property
    def _package(self) -> MetaflowPackage:
        return build_package(self._state)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._package, name)


def _input_paths(options: dict[str, Any]) -> list[str]:
    paths = options["input_paths"]
    if not paths and options["input_paths_filename"]:
        with open(options["input_paths_filename"], encoding="utf-8") as file:
            paths = file.read().strip()
    return expand_paths(paths) if paths else []


def _config_file(values: dict[str, Any]) -> str:
    """A file for ``--local-config-file``, in the scratch folder that the op removes."""
    folder = os.path.dirname(os.environ.get(variables.RESULT, "")) or None
    handle, path = tempfile.mkstemp(dir=folder, prefix="config-", suffix=".json")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        json.dump(values, file)
    return path
