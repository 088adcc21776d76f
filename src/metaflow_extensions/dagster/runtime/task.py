"""What an op does: starts a run, or runs an attempt of a task."""

import json
import math
import os
import time
from collections.abc import Mapping
from typing import Any

from dagster import OpExecutionContext, RetryRequested

from ..contract import _round_suffix
from .driver import _driver
from .flow import _Flow
from .identity import (
    _continues_parent,
    _input_order,
    _item,
    _metaflow_run_id,
    _tag_run,
    _task_id,
)
from .resume import _clone_command, _cloned, _done_before, _origin_run_id

_TIMEOUT_GRACE = 5.0  # seconds that @timeout has to end the task by itself


def _run_init(
    flow: _Flow,
    context: OpExecutionContext,
    parameters: Mapping[str, Any] | None = None,
) -> str:
    """Create the run and its `_parameters` task, once. Returns the task's path."""
    run_id = _metaflow_run_id(context)
    path = f"{run_id}/_parameters/params"
    driver = _driver(flow)
    again = context.run.parent_run_id or driver.begins_again(context, or_retried=True)
    if not again or not driver.is_done(flow, path):
        command = [*_clone_command(flow, context), "init", "--run-id", run_id]
        command += ["--task-id", "params", *_tag_args(flow, context)]
        variables = _run_variables(context, run_id)
        driver.start_run(flow, path, command, parameters or {}, variables, context.log)
    return path


def _run_task(
    flow: _Flow,
    context: OpExecutionContext,
    step_name: str,
    inputs: str | list[str],
    *,
    split_item: bool = False,
    num_parallel: int | None = None,
    max_user_code_retries: int = 0,
    max_error_retries: int = 0,
    retry_delay: float = 0.0,
    timeout: float = math.inf,
    needs_launch: bool = False,
    iteration: int | None = None,
) -> Any:
    """Run one attempt of a task, as Metaflow's own scheduler does; Dagster retries the op.

    Args:
        inputs: The path of the task before, or the paths that a join takes.
        split_item: This is one split of a foreach; its index is the innermost of the item.
        num_parallel: Tasks in the gang that this task controls; 0 where it finds out itself.
        max_user_code_retries: Retries that run the user's code (`@retry`).
        max_error_retries: Retries after those, that run a fallback (`@catch`).
        retry_delay: Seconds before another attempt.
        timeout: Seconds that the user's code may take (`@timeout`).
        needs_launch: A decorator changes how the task is launched.
        iteration: The round of a recursive switch.

    Returns:
        A `TaskResult` (metaflow_extensions/dagster/driver/result.py): the task's path, and what
        it says about which steps follow.

    Raises:
        RetryRequested: the attempt failed and another one is due.
        Failure: the last attempt failed, or the task asked not to be retried.
    """
    driver = _driver(flow)
    paths = [inputs] if isinstance(inputs, str) else _input_order(inputs)
    run_id = paths[0].split("/")[0]
    path = f"{run_id}/{step_name}/{_task_id(context, step_name)}"
    attempt = context.retry_number
    if _continues_parent(context.run):
        _tag_run(context, run_id)
    # An earlier attempt of a loop, or a lost worker, may have come further than this.
    again = driver.begins_again(context, or_retried=iteration is not None)
    if iteration is not None:
        path += _round_suffix(iteration)
        attempt = driver.attempts_made(flow, path) if attempt else 0
    if again and driver.is_done(flow, path):
        return driver.read_result(flow, path).accepted()
    if clone := _cloned(flow, context, path):
        return clone.accepted()
    if iteration is None and (done := _done_before(flow, context, step_name, paths)):
        return done

    options = ["--max-user-code-retries", str(max_user_code_retries)]
    options += _tag_args(flow, context)
    if origin := _origin_run_id(flow, context):
        options += ["--clone-run-id", origin]
    if flow.namespace is not None:
        options += ["--namespace", flow.namespace]
    if split_item:
        options += ["--split-index", str(_item(context)[-1])]
    task = driver.run_task(
        flow,
        path,
        attempt,
        options,
        paths,
        _run_variables(context, run_id),
        context.log,
        timeout=min(timeout + _TIMEOUT_GRACE, _seconds_left(flow, context)),
        launch=needs_launch,
        num_parallel=num_parallel,
    )
    if task.failure is None:
        return task
    is_last = attempt >= max_user_code_retries + max_error_retries
    if task.may_retry and not is_last and _seconds_left(flow, context) > 0:
        context.log.error(task.failure.description)
        raise RetryRequested(context.retry_number + 1, retry_delay) from task.failure
    raise task.failure


def _tag_args(flow: _Flow, context: OpExecutionContext) -> list[str]:
    """Tags of the deployment and, as a JSON list in a tag of Dagster, of this run."""
    tags = [*flow.tags, *json.loads(context.run.tags.get("metaflow/tags", "[]"))]
    return [arg for tag in tags for arg in ("--tag", tag)]


def _run_variables(context: OpExecutionContext, run_id: str) -> dict[str, str]:
    """Environment variables that describe the run to a Metaflow process."""
    ours = ("metaflow/", ".dagster/metaflow_")
    tags = {k: v for k, v in context.run.tags.items() if k.startswith(ours)}
    home = os.environ.get("DAGSTER_HOME") or context.instance.root_directory
    return {
        "DAGSTER_HOME": home,
        "METAFLOW_RUN_ID": run_id,
        "METAFLOW_DAGSTER_RUN_ID": context.run.run_id,
        "METAFLOW_DAGSTER_RUN_TAGS": json.dumps(tags),
        "METAFLOW_DAGSTER_JOB": context.run.job_name,
        "METAFLOW_DAGSTER_STEP_KEY": context.get_step_execution_context().step.key,
    }


def _seconds_left(flow: _Flow, context: OpExecutionContext) -> float:
    """What is left of --workflow-timeout: 0 at least, and infinite without it."""
    if flow.workflow_timeout is None:
        return math.inf
    return max(0.0, flow.workflow_timeout - _seconds_since_start(context))


def _seconds_since_start(context: OpExecutionContext) -> float:
    record = context.instance.get_run_record_by_id(context.run.run_id)
    start = record.start_time if record else None
    return time.time() - (start or time.time())
