"""Running a Metaflow task from an op: command line, attempts, failures, metadata."""

import json
import os
import re
import shlex
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from dagster import (
    Failure,
    MetadataValue,
    OpExecutionContext,
    RetryRequested,
)

from ..contract import _round_suffix
from .environ import _is_foreign
from .flow import _Flow
from .identity import _goes_on, _input_order, _item, _metaflow_run_id, _task_id
from .origin import _leave_origin, _origin_env
from .package import _Code, _deployed_code
from .parameters import _long_command
from .process import _Outcome, _run_process, _start_server
from .resume import (
    _clone_command,
    _cloned,
    _done_before,
    _origin_run_id,
)
from .store import (
    _Facts,
    _facts_of,
    _is_done,
    _read_facts,
    _save_attempt,
    _task_datastore,
)

_EXIT_DISALLOW_RETRY = 202  # METAFLOW_EXIT_DISALLOW_RETRY in metaflow/exception.py
_TIMEOUT_GRACE = 5.0  # seconds that @timeout has to end the task by itself
_ARGUMENT_LIMIT = 65536  # bytes of input paths in a command; more go through a file


@dataclass
class _StepResult(_Facts):
    """A task that succeeded, and what it says about the way on."""

    path: str = ""


def _run_init(
    flow: _Flow,
    context: OpExecutionContext,
    arguments: Sequence[str] = (),
    extra_env: Mapping[str, str] | None = None,
) -> str:
    """Create the run and its `_parameters` task, once. Returns the task's path.

    `arguments` and `extra_env` carry the parameters, as `_parameter_args` gives them.
    """
    run_id = _metaflow_run_id(context)
    path = f"{run_id}/_parameters/params"
    again = context.retry_number > 0 or context.run.parent_run_id is not None
    if again and _is_done(flow, path):
        return path
    clone = _clone_command(flow, context)
    code = _deployed_code(flow, packaged=bool(clone) and not _has_decorator())
    if code.reason:
        context.log.info(f"{code.reason}. Using the code package: {code.file}")
    with tempfile.TemporaryDirectory(prefix="metaflow-dagster-") as scratch:
        cmd = [
            *_flow_command(flow, code, scratch),
            *clone,
            "init",
            "--run-id",
            run_id,
            "--task-id",
            "params",
        ]
        cmd = _long_command([*cmd, *_tag_args(flow, context), *arguments], scratch)
        context.log.info("$ " + shlex.join(cmd))
        env = _step_env(flow, context, run_id, code, extra_env or {})
        outcome = _Outcome()
        _start_server(cmd, env, code.folder)
        _run_process(cmd, env, code.folder, outcome)
    if outcome.returncode:
        raise _failure(f"Metaflow could not start run {run_id}", _tail(outcome))
    if not _is_done(flow, path):
        shown = [
            arg for arg in cmd[: 2 + len(flow.metaflow_top_args)] if arg != "--quiet"
        ]
        _run_process([*shown, "version"], env, code.folder, outcome)
        said = b"".join(line for _, line in [*outcome.stdout, *outcome.stderr])
        found = re.search(rb"executing (\w+)", said)
        raise _failure(
            f"Not flow {flow.flow_name}: {code.file}",
            f"This job was made of flow {flow.flow_name}; the file now begins a run of flow "
            f"{found[1].decode() if found else 'another name'}. Where a variable or an argument "
            "decides which flow it is, set it for Dagster too, or create a job for each flow.",
        )
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
    timeout: float | None = None,
    hooks: bool = False,
    iteration: int | None = None,
) -> _StepResult:
    """Run one attempt of a task, as Metaflow's own scheduler does; Dagster retries the op.

    Args:
        inputs: The path of the task before, or the paths that a join takes.
        split_item: This is one split of a foreach; its index is the innermost of the item.
        num_parallel: Tasks in the gang that this task controls; 0 where it finds out itself.
        max_user_code_retries: Retries that run the user's code (`@retry`).
        max_error_retries: Retries after those, that run a fallback (`@catch`).
        retry_delay: Seconds before another attempt.
        timeout: Seconds that the user's code may take (`@timeout`).
        hooks: A decorator changes how the task is launched.
        iteration: The round of a recursive switch.

    Raises:
        RetryRequested: the attempt failed and another one is due.
        Failure: the last attempt failed, or the task asked not to be retried.
    """
    paths = [inputs] if isinstance(inputs, str) else _input_order(inputs)
    run_id = paths[0].split("/")[0]
    path = f"{run_id}/{step_name}/{_task_id(context, step_name)}"
    attempt = context.retry_number
    if _goes_on(context.run) and context.run.tags.get("metaflow/run_id") != run_id:
        context.instance.add_run_tags(context.run.run_id, {"metaflow/run_id": run_id})
    if iteration is not None:
        path += _round_suffix(iteration)
        # An earlier attempt of the op may have come further than this.
        if attempt and _is_done(flow, path):
            return _result(path, _read_facts(flow, os.devnull, path))
        attempt = _attempts_made(flow, path) if attempt else 0
    if clone := _cloned(flow, context, path):
        return _result(path, clone)
    if iteration is None and (done := _done_before(flow, context, step_name, paths)):
        facts = _read_facts(flow, os.devnull, done)
        if not facts.refusal:
            context.log.info(f"Done before, by an earlier run of the job: {done}.")
            return _result(done, facts)

    code = _deployed_code(flow, packaged=hooks and not _has_decorator())
    with tempfile.TemporaryDirectory(prefix="metaflow-dagster-") as scratch:
        cmd = _flow_command(flow, code, scratch)
        cmd += [
            f"--with={spec}" for spec in flow.step_with_decorators.get(step_name, [])
        ]
        cmd += [*_internal_decorator(code), *(["dagster", "launch"] if hooks else [])]
        cmd += ["step", step_name, "--run-id", run_id, "--task-id", path.split("/")[2]]
        cmd += ["--retry-count", str(attempt)]
        cmd += ["--max-user-code-retries", str(max_user_code_retries)]
        cmd += _tag_args(flow, context)
        if origin := _origin_run_id(flow, context):
            cmd += ["--clone-run-id", origin]
        if flow.namespace is not None:
            cmd += ["--namespace", flow.namespace]
        if split_item:
            cmd += ["--split-index", str(_item(context)[-1])]
        result_file = os.path.join(scratch, "result.json")
        open(result_file, "w").close()
        extra_env = {"METAFLOW_DAGSTER_RESULT": result_file}
        if num_parallel is not None:
            cmd += ["--ubf-context", "ubf_control"]
        if num_parallel:
            cmd += ["--num-parallel", str(num_parallel), "--split-index", "0"]
            extra_env["METAFLOW_RUNTIME_ENVIRONMENT"] = "local"
            # Metaflow starts the rest of the gang by the name `python`.
            folders = [os.path.dirname(sys.executable), os.environ.get("PATH", "")]
            extra_env["PATH"] = os.pathsep.join(folders)
        cmd += _input_args(paths, scratch)
        context.log.info("$ " + shlex.join(cmd))
        env = _step_env(flow, context, run_id, code, extra_env)
        if hooks:
            _leave_origin(flow, path, env)
        outcome = _Outcome()
        try:
            _run_process(
                cmd, env, code.folder, outcome, _time_limit(flow, context, timeout)
            )
        finally:
            _save_attempt(flow, path, attempt, outcome)
        failed = outcome.timed_out or outcome.returncode != 0
        facts = _facts_of(flow, result_file, path, failed)
    if not failed:
        return _result(path, facts)

    what = f"Step {step_name} failed ({path}, attempt {attempt}, {_how(outcome)})"
    detail = facts.error or _tail(outcome)
    failure = _failure(
        what, detail, _failure_metadata(flow, context, path, outcome, facts)
    )
    if outcome.returncode == _EXIT_DISALLOW_RETRY:
        context.log.error(
            f"Exit code {_EXIT_DISALLOW_RETRY}: this task is not retried."
        )
    elif attempt < max_user_code_retries + max_error_retries and not _is_overdue(
        flow, context
    ):
        context.log.error(failure.description or "")
        raise RetryRequested(context.retry_number + 1, retry_delay) from failure
    raise failure


def _result(path: str, facts: _Facts) -> _StepResult:
    """The result that the op hands on: every way to a task's success leads through here.

    Raises:
        Failure: the task did not say that it is done and where it goes. As natively, that is
            neither retried nor caught.
    """
    if facts.refusal:
        raise _failure(f"The run cannot go on after {path}", facts.refusal)
    return _StepResult(**asdict(facts), path=path)


def _flow_command(flow: _Flow, code: _Code, scratch: str) -> list[str]:
    """Interpreter, flow and top-level options; values of Configs go through a file."""
    cmd = [sys.executable, code.file, *flow.metaflow_top_args]
    if flow.metaflow_config_values:
        config_file = os.path.join(scratch, "config.json")
        with open(config_file, "w", encoding="utf-8") as file:
            json.dump(flow.metaflow_config_values, file)
        cmd += ["--local-config-file", config_file]
        for name in flow.metaflow_config_values["user_configs"]:
            cmd += ["--config-value", name, f"kv.{name}"]
    return cmd


def _attempts_made(flow: _Flow, path: str) -> int:
    """How many attempts of a task have been made; its op keeps the exit code of each one."""
    attempt = 0
    while _task_datastore(flow, path, "w", attempt).has_metadata("runtime"):
        attempt += 1
    return attempt


def _tag_args(flow: _Flow, context: OpExecutionContext) -> list[str]:
    """Tags of the deployment and, as a JSON list in a tag of Dagster, of this run."""
    tags = [*flow.tags, *json.loads(context.run.tags.get("metaflow/tags", "[]"))]
    return [arg for tag in tags for arg in ("--tag", tag)]


def _internal_decorator(code: _Code) -> list[str]:
    """Our step decorator, where the package that defines it is installed or fetched."""
    packaged = "METAFLOW_EXTRACTED_ROOT" in code.env
    return ["--with=dagster_internal"] if packaged or _has_decorator() else []


def _has_decorator() -> bool:
    try:
        import metaflow_extensions.dagster.step  # noqa: F401  # pyright: ignore
    except ImportError:
        return False
    return True


def _input_args(paths: list[str], scratch: str) -> list[str]:
    """Input paths on the command line, or through a file where they are too long for it."""
    joined = ",".join(paths)
    if len(joined) <= _ARGUMENT_LIMIT:
        return ["--input-paths", joined]
    file_name = os.path.join(scratch, "input-paths")
    with open(file_name, "w", encoding="utf-8") as file:
        file.write(joined)
    return ["--input-paths-filename", file_name]


def _step_env(
    flow: _Flow,
    context: OpExecutionContext,
    run_id: str,
    code: _Code,
    extra: Mapping[str, str],
) -> dict[str, str]:
    """The environment of a Metaflow process.

    Variables of other Metaflow runs do not reach it (see `_is_foreign`).
    """
    env = {name: value for name, value in os.environ.items() if not _is_foreign(name)}
    env.update(flow.metaflow_step_env)
    env.update(code.env)
    env.update(_origin_env(context))
    env["PYTHONUNBUFFERED"] = "x"
    env["METAFLOW_RUNTIME_NAME"] = "dagster"  # the system tag runtime:dagster
    env["METAFLOW_RUN_ID"] = run_id
    env["METAFLOW_DAGSTER_OP_PID"] = str(os.getpid())
    env["METAFLOW_DAGSTER_RUN_ID"] = context.run.run_id
    env["METAFLOW_DAGSTER_JOB"] = context.run.job_name
    env["METAFLOW_DAGSTER_STEP_KEY"] = context.get_step_execution_context().step.key
    env.update(extra)
    return env


def _time_limit(
    flow: _Flow, context: OpExecutionContext, timeout: float | None
) -> float | None:
    """Seconds until this attempt must be ended from outside, if ever."""
    limits = [] if timeout is None else [timeout + _TIMEOUT_GRACE]
    if flow.workflow_timeout is not None:
        limits.append(
            max(0.0, _run_start(context) + flow.workflow_timeout - time.time())
        )
    return min(limits) if limits else None


def _is_overdue(flow: _Flow, context: OpExecutionContext) -> bool:
    """Whether the run has used up its --workflow-timeout."""
    return (
        flow.workflow_timeout is not None
        and time.time() >= _run_start(context) + flow.workflow_timeout
    )


def _run_start(context: OpExecutionContext) -> float:
    record = context.instance.get_run_record_by_id(context.run.run_id)
    return (record.start_time if record else None) or time.time()


def _how(outcome: _Outcome) -> str:
    if outcome.timed_out:
        return "ended at its time limit"
    code = outcome.returncode
    return f"killed by signal {-code}" if code < 0 else f"exit code {code}"


def _tail(outcome: _Outcome) -> str:
    """The end of what a task said on stderr: the user's traceback, if there is one."""
    return (
        b"".join(line for _, line in outcome.stderr[-60:])
        .decode(errors="replace")
        .strip()
    )


def _failure_metadata(
    flow: _Flow,
    context: OpExecutionContext,
    path: str,
    outcome: _Outcome,
    facts: _Facts,
) -> dict[str, Any]:
    """What helps to find and mend what made a task fail."""
    options = ["--name", context.job_name, "--origin-run-id", path.split("/")[0]]
    command = [
        "python",
        flow.flow_file,
        *flow.metaflow_top_args,
        "dagster",
        "resume",
        *options,
    ]
    metadata: dict[str, Any] = {
        "metaflow task": f"{flow.flow_name}/{path}",
        "attempt": context.retry_number,
        "end of stderr": _tail(outcome) or "(nothing)",
        "resume": MetadataValue.md(f"```sh\n{shlex.join(command)}\n```"),
    }
    return metadata | ({} if facts.item is None else {"foreach item": facts.item})


def _failure(
    what: str, detail: str, metadata: Mapping[str, Any] | None = None
) -> Failure:
    return Failure(f"{what}\n\n{detail}", metadata, allow_retries=False)
