"""What a task says of itself when it has ended, and what an op keeps of an attempt."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta
from functools import partial
from io import BytesIO
from logging import Logger
from typing import Any

from dagster import Failure

from ..contract import transition_error
from .datastore import not_done, task_datastore
from .flow import Flow
from .patience import GaveUpError, patient, within_run
from .process import Outcome

_KEEP_SECONDS = 10.0  # that the logs of an interrupted attempt may take
_EPOCH = datetime(1970, 1, 1)  # Metaflow's log lines carry UTC without a zone


@dataclass
class TaskResult:
    """What a finished task says of which steps follow: see the ``dagster_internal`` decorator."""

    path: str
    splits: int = 0
    """Splits of the foreach, or tasks of the gang, that it opens."""
    next_steps: list[str] = field(default_factory=list[str])
    gang: list[str] = field(default_factory=list[str])
    """Paths of the tasks of the gang that it controls."""
    artifacts: dict[str, list[Any]] = field(default_factory=dict[str, list[Any]])
    """By name: type, size in bytes and, where it is small and plain, the value."""
    cards: list[str] = field(default_factory=list[str])
    """Paths or URLs."""
    item: str | None = None
    """What a foreach's task is for."""
    frames: list[Any] = field(default_factory=list[Any])
    """The same for each foreach around it, outermost first; texts, or None."""
    items: list[Any] = field(default_factory=list[Any])
    """What each split is for that it opens; texts, or None."""
    written: list[str] = field(default_factory=list[str])
    """Streams in which it has written: ``stdout``, ``stderr``."""
    cloned_from: str | None = None
    url: str | None = None
    """The task's page in Metaflow's UI."""
    error: str | None = None
    """Why it failed."""
    refusal: str | None = None
    """Why the run cannot go on after it although it did not fail."""
    failure: Failure | None = None
    """How its op has to fail."""
    may_retry: bool = True
    """Whether another attempt may be made, as far as the task has a say in it."""

    def accepted(self) -> TaskResult:
        """The result itself: every way to a task's success leads through here.

        Raises:
            Failure: the task did not say that it is done and where it goes. As natively, that is
                neither retried nor caught.
        """
        if self.refusal:
            raise final_failure(f"The run cannot continue after {self.path}", self.refusal)
        return self


def final_failure(what: str, detail: str, metadata: Mapping[str, Any] | None = None) -> Failure:
    """A failure of the op that Dagster does not retry."""
    return Failure(f"{what}\n\n{detail}", metadata, allow_retries=False)


def as_result(path: str, facts: Mapping[str, Any]) -> TaskResult:
    """A result from plain data, which another version of this package may have left."""
    known = {f.name for f in fields(TaskResult)}
    return TaskResult(path, **{name: value for name, value in facts.items() if name in known})


@patient
def read_result(flow: Flow, path: str) -> TaskResult:
    """The result of a task that has succeeded, from what is in the datastore.

    Raises:
        metaflow.datastore.exceptions.DataException: no such (finished) task.
    """
    task = task_datastore(flow, path, "r")
    from ..step.result import stored_facts

    facts = stored_facts(task, is_parallel=bool(task.get("_parallel_ubf_iter")))
    step_name = path.split("/")[1]
    step = task["_graph_info"]["steps"][step_name]
    refusal = transition_error(
        step_name,
        facts["next_steps"],
        step["next"],
        is_switch=step["type"] == "split-switch",
        is_ok=bool(task.get("_task_ok")),
    )
    return TaskResult(path, **facts, refusal=refusal or _gang_refusal(flow, facts["gang"]))


def _gang_refusal(flow: Flow, gang: list[str]) -> str | None:
    """Why the run cannot go on after a gang; None if all of its tasks have succeeded.

    Its control task knows no more of the others than the exit codes of their processes.
    """
    left = not_done(flow, gang) if gang else []
    if not left:
        return None
    more = f" So did {len(left) - 1} more of its gang." if left[1:] else ""
    return f"Task {left[0]} ended its process before it was done.{more}"


def attempt_result(flow: Flow, path: str, result_file: str, outcome: Outcome) -> TaskResult:
    """The result of an attempt: from the file that the task left, or else from the datastore, as
    for one that ran on another machine. A failed one says only what is in the file."""
    if os.path.getsize(result_file):
        with open(result_file, encoding="utf-8") as file:
            result = as_result(path, json.load(file))
        if not outcome.failed:
            result.refusal = result.refusal or _gang_refusal(flow, result.gang)
        return result
    if outcome.failed:
        return TaskResult(path)
    from metaflow.datastore.exceptions import DataException

    try:
        return read_result(flow, path)
    except DataException as error:
        return TaskResult(path, refusal=f"It ended its process before it was done: {error}")


def keep_attempt(flow: Flow, path: str, attempt: int, outcome: Outcome, log: Logger) -> None:
    """:func:`save_attempt`; after an interruption only if the datastore answers soon."""
    try:
        save = partial(save_attempt, flow, path, attempt, outcome)
        within_run(flow, save, _KEEP_SECONDS, is_over=outcome.killed)
    except GaveUpError as error:
        log.warning(f"Metaflow does not have the logs of {path}, attempt {attempt}: {error}")


def save_attempt(flow: Flow, path: str, attempt: int, outcome: Outcome) -> None:
    """Save an attempt's logs and exit code where a native run saves them.

    Source: Worker.terminate and Worker.emit_log in metaflow/runtime.py.
    """
    task = task_datastore(flow, path, "w", attempt)
    from metaflow.mflog import RUNTIME_LOG_SOURCE, mflog

    code = outcome.returncode
    how = {"return_code": code, "killed": outcome.timed_out, "success": code == 0}
    task.save_metadata({"runtime": how})
    stderr = list(outcome.stderr)
    if code and not outcome.timed_out:
        why = b" with a segmentation fault" if code == -11 else b""
        stderr.append((time.time_ns() // 1000, b"Task failed" + why + b"."))
    logs: dict[str, BytesIO] = {}
    for stream, lines in (("stdout", outcome.stdout), ("stderr", stderr)):
        text = (_log_line(mflog, RUNTIME_LOG_SOURCE, when, line) for when, line in lines)
        logs[stream] = BytesIO(b"".join(text))
    task.save_logs(RUNTIME_LOG_SOURCE, logs)


def _log_line(mflog: Any, source: str, when: int, line: bytes) -> bytes:
    """A line as Metaflow stores it; one that a remote task has stored already becomes nothing."""
    if mflog.is_structured(line) and (parsed := mflog.parse(line)):
        return mflog.unset_should_persist(line) if parsed.should_persist else b""
    return mflog.decorate(source, line, now=_EPOCH + timedelta(microseconds=when))
