"""Running the processes of a flow: the start of a run, and attempts of tasks."""

from __future__ import annotations

import math
import os
import re
import shlex
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from itertools import pairwise
from logging import Logger
from typing import Any

from dagster import MetadataValue

from ..contract import variables
from ..warm.client import prestart
from .code import Code, code_of
from .command import flow_command, input_arguments
from .datastore import begin_import, is_done, write_small
from .environ import environment
from .flow import Flow
from .heartbeat import heartbeat
from .items import item_ahead, remember
from .log_links import log_links
from .parameters import parameter_arguments
from .process import Outcome, run_process
from .result import TaskResult, attempt_result, final_failure, keep_attempt

_EXIT_DISALLOW_RETRY = 202  # METAFLOW_EXIT_DISALLOW_RETRY in metaflow/exception.py
# Variables that reach a task on another machine through the datastore.
_STORED = (variables.RUN_TAGS, variables.RUN_ID, variables.JOB, variables.STEP_KEY)


def begin(flow: Flow) -> None:
    """Begin to start the process that forks the run's processes, where that can be right."""
    with suppress(Exception):  # the first op meets the same error
        code = code_of(flow)
        command = [sys.executable, code.file]
        prestart(command, env=_environment(flow, code, {}), cwd=code.folder, is_worth_it=True)


def start_run(
    flow: Flow,
    path: str,
    arguments: Sequence[str],
    parameters: Mapping[str, Any],
    given_env: Mapping[str, str],
    log: Logger,
) -> None:
    """Create a run, with its ``_parameters`` task.

    Args:
        path: Of that task.
        arguments: Metaflow's command that does it.
        parameters: Values by Metaflow's names.
        given_env: Environment variables for the process.
        log: Where to show the command.

    Raises:
        Failure: Metaflow refuses the run, or it is one of another flow.
        TypeError: a parameter's value is not of its kind.
    """
    given, parameter_env = parameter_arguments(parameters, flow.parameter_kinds)
    code = code_of(flow)
    if code.reason:
        log.info(f"{code.reason}. Using the code package: {code.file}")
    env = _environment(flow, code, {**given_env, **parameter_env})
    outcome = Outcome()
    with tempfile.TemporaryDirectory(prefix="metaflow-dagster-") as scratch:
        cmd = flow_command(flow, code, [*_added(flow), *arguments, *given], scratch)
        log.info("$ " + shlex.join(cmd))
        prestart(cmd[:2], env=env, cwd=code.folder)
        begin_import(flow)
        run_process(cmd, env, code.folder, outcome)
    if outcome.returncode:
        raise final_failure(f"Metaflow could not start run {path.split('/')[0]}", outcome.tail())
    if not is_done(flow, path):
        shown = [arg for arg in flow.metaflow_top_args if arg != "--quiet"]
        run_process([sys.executable, code.file, *shown, "version"], env, code.folder, outcome)
        said = b"".join(line for _, line in [*outcome.stdout, *outcome.stderr])
        found = re.search(rb"executing (\w+)", said)
        raise final_failure(
            f"Not flow {flow.flow_name}: {code.file}",
            f"This job was made of flow {flow.flow_name}; the file now begins a run of flow "
            f"{found[1].decode() if found else 'another name'}. Where a variable or an argument "
            "decides which flow it is, set it for Dagster too, or create a job for each flow.",
        )


def run_task(
    flow: Flow,
    path: str,
    attempt: int,
    options: Sequence[str],
    inputs: list[str],
    given_env: Mapping[str, str],
    log: Logger,
    *,
    timeout: float = math.inf,
    launch: bool = False,
    num_parallel: int | None = None,
) -> TaskResult:
    """Run one attempt of a task, and keep its logs and exit code as a native run does.

    Args:
        path: Of the task.
        attempt: Counted from 0.
        options: Of Metaflow's command `step`, beside those for what is given here.
        inputs: Paths of the tasks before it, in order.
        given_env: Environment variables for the process.
        log: Where to show the command.
        timeout: Seconds after which it is ended.
        launch: A decorator changes how the task is launched (`dagster launch`).
        num_parallel: Tasks in the gang that this task controls; 0 where it finds out itself.

    Returns:
        What the task says. Where it failed, `failure` is what its op has to raise.
    """
    _, step_name, task_id = path.split("/")
    arguments = [f"--with={spec}" for spec in flow.step_with_decorators.get(step_name, [])]
    arguments += ["--with=dagster_internal", *(["dagster", "launch"] if launch else [])]
    arguments += ["step", step_name, "--run-id", path.split("/")[0], "--task-id", task_id]
    arguments += ["--retry-count", str(attempt), *options]
    code = code_of(flow)
    env = _environment(flow, code, given_env)
    if num_parallel is not None:
        arguments += ["--ubf-context", "ubf_control"]
    if num_parallel:
        arguments += ["--num-parallel", str(num_parallel), "--split-index", "0"]
        env["METAFLOW_RUNTIME_ENVIRONMENT"] = "local"
        # Metaflow starts the rest of the gang by the name `python`.
        folders = [os.path.dirname(sys.executable), os.environ.get("PATH", "")]
        env["PATH"] = os.pathsep.join(folders)
    if environment_id := flow.step_conda_env_ids.get(step_name):
        env[variables.STEP_ENVIRONMENT_ID] = environment_id
    if launch:  # the task may be sent to where it does not get these
        place = variables.stored_at(flow.flow_name, path)
        write_small(flow, place, {name: env[name] for name in _STORED})
    outcome = Outcome()
    with tempfile.TemporaryDirectory(prefix="metaflow-dagster-") as scratch:
        arguments += input_arguments(inputs, scratch)
        cmd = flow_command(flow, code, arguments, scratch)
        given = dict(pairwise(options))
        label = item_ahead(flow, path, inputs[0], given.get("--split-index"))
        log.info((f"{label}\n" if label else "") + "$ " + shlex.join(cmd))
        result_file = env[variables.RESULT] = os.path.join(scratch, "result.json")
        open(result_file, "w").close()
        try:
            with heartbeat(flow, path.split("/")[0]):
                is_gang = num_parallel is not None
                run_process(cmd, env, code.folder, outcome, timeout, is_gang=is_gang)
        finally:
            keep_attempt(flow, path, attempt, outcome, log)
        result = attempt_result(flow, path, result_file, outcome)
        result.written = outcome.written()
        remember(flow, result)
    if not outcome.failed:
        return result.accepted()
    result.failure = final_failure(
        f"Step {step_name} failed ({path}, attempt {attempt}, {outcome.how()})",
        result.error or outcome.tail(),
        _failure_metadata(flow, result, outcome, given_env[variables.JOB], attempt),
    )
    result.may_retry = outcome.returncode != _EXIT_DISALLOW_RETRY
    if not result.may_retry:
        log.error(f"Exit code {_EXIT_DISALLOW_RETRY}: this task is not retried.")
    return result


def _added(flow: Flow) -> list[str]:
    """The decorators of ``--with``, which natively are in the run's ``_graph_info`` too.

    Steps may have them with other attributes (``@kubernetes`` takes over what ``@resources`` asks
    for). Those that most steps have are as they were given, and become those of each step again.
    """
    found = Counter(map(tuple, flow.step_with_decorators.values())).most_common(1)
    return [f"--with={spec}" for specs, _ in found for spec in specs]


def _environment(flow: Flow, code: Code, given_env: Mapping[str, str]) -> dict[str, str]:
    env = environment(flow, code)
    env["PYTHONUNBUFFERED"] = "x"
    env["METAFLOW_RUNTIME_NAME"] = "dagster"  # the system tag runtime:dagster
    return {**env, **given_env}


def _failure_metadata(
    flow: Flow, result: TaskResult, outcome: Outcome, job_name: str, attempt: int
) -> dict[str, Any]:
    """What helps to find and mend what made a task fail."""
    command = ["python", flow.flow_file, *flow.metaflow_top_args, "dagster", "resume"]
    command += ["--name", job_name, "--origin-run-id", result.path.split("/")[0]]
    metadata: dict[str, Any] = {
        "metaflow task": f"{flow.flow_name}/{result.path}",
        "attempt": attempt,
        "end of stderr": outcome.tail() or "(nothing)",
        **log_links(result.written),
        "resume": MetadataValue.md(f"```sh\n{shlex.join(command)}\n```"),
    }
    return metadata | ({} if result.item is None else {"foreach item": result.item})
