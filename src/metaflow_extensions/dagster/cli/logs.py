"""``dagster logs``: what the tasks of a run have written and are writing."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from ..contract.ops import task_label
from ..errors import DagsterRunError
from ..targets.base import Target
from ..targets.runs import RunEvent, RunInfo
from .manage import choose, find_run
from .output import print_json_line

if TYPE_CHECKING:
    from .._metaflow_internals.types import CliState


def show_logs(
    state: CliState,
    run_id: str | None,
    step: str | None,
    name: str | None,
    url: str | None,
    follow: bool,
    as_json: bool,
) -> None:
    """Print the output of a run's tasks, a line with its task before it.

    Args:
        state: Metaflow's ``CliState``.
        run_id: A Metaflow or Dagster run id; None takes the latest run.
        step: A step, or one of its tasks (``train[3]``); None takes all.
        name: The job's name, where it is not the default one.
        url: The webserver, where it is not the configured one.
        follow: Continue until the run ends.
        as_json: Print each line as a JSON object, those of stderr too to stdout.

    Raises:
        DagsterRunError: there is no such run or step, or Dagster has kept no output.
    """
    target, deployment = choose(state, name, url)
    run = find_run(target, deployment, run_id)
    if step is not None and step.split("[")[0] not in state.graph.nodes:
        raise DagsterRunError(
            f"There is no step *{step}* in this flow. Its steps: {', '.join(state.graph.nodes)}."
        )
    logs = _Logs(target, run, step, as_json)
    if follow:
        for event in target.follow(run.job, run.dagster_run_id):
            logs.take(event)
    else:
        for event in target.events(run.dagster_run_id, None)[0]:
            logs.take(event)
    logs.print_new()
    logs.end()
    if step is not None and not logs.has_run:
        yet = " yet" if run.is_running else ": it did not get there, or took another branch"
        raise DagsterRunError(f"Run *{run.metaflow_run_id}* has run no task of step *{step}*{yet}.")
    if not logs.found:
        of_step = f" of step *{step}*" if step else ""
        run_now = "has written nothing" if run.is_running else "has no output"
        raise DagsterRunError(
            f"Run *{run.metaflow_run_id}*{of_step} {run_now} in {target.description}. "
            f"Metaflow keeps the output of finished tasks: logs {run.metaflow_run_id}/"
            f"{step.split('[')[0] if step else 'STEP'}"
        )


@dataclass
class _Log:
    """One captured log, and how far it has been printed."""

    task: str | None
    """None where several steps have written it."""
    file_key: str
    after: str | None = None
    out: str = ""
    err: str = ""
    """Beginnings of lines that have not ended."""


class _Logs:
    """The captured logs of a run that are to be printed."""

    def __init__(self, target: Target, run: RunInfo, step: str | None, as_json: bool) -> None:
        self._target = target
        self._run = run
        self._step = step
        self._as_json = as_json
        self._logs: list[_Log] = []
        self.found = False
        self.has_run = False
        """Whether a task that is asked for has been started."""

    def take(self, event: RunEvent) -> None:
        """Note a log that begins; print what is new when nothing else happens."""
        if event.kind == "pause":
            self.print_new()
        elif event.kind == "started":
            self.has_run |= self._wanted(task_label(event.step_key))
        elif event.kind == "logs" and event.file_key:
            keys = [task_label(key) for key in event.step_key.split(",")]
            if any(self._wanted(key) for key in keys):
                # A log of several steps (in_process_executor) says nothing of who wrote what.
                self._logs.append(_Log(keys[0] if len(keys) == 1 else None, event.file_key))

    def print_new(self) -> None:
        """Print the lines that have come to an end since the last time."""
        for log in self._logs:
            while True:
                part = self._target.read_log(self._run.dagster_run_id, log.file_key, log.after)
                log.after = part.after
                if not part.stdout and not part.stderr:
                    break
                log.out = self._print(log.task, log.out + part.stdout, "stdout")
                log.err = self._print(log.task, log.err + part.stderr, "stderr")

    def end(self) -> None:
        """Print lines that never end."""
        for log in self._logs:
            self._print(log.task, log.out and log.out + "\n", "stdout")
            self._print(log.task, log.err and log.err + "\n", "stderr")

    def _print(self, task: str | None, text: str, stream: Literal["stdout", "stderr"]) -> str:
        """Print the lines that have ended; what is left."""
        *lines, rest = text.split("\n")
        for line in lines:
            self.found = True
            if self._as_json:
                step = task.split("[")[0] if task else None
                print_json_line({"step": step, "task": task, "stream": stream, "text": line})
            else:
                print(f"[{task or 'run'}] {line}", file=getattr(sys, stream), flush=True)
        return rest

    def _wanted(self, key: str) -> bool:
        return self._step is None or self._step in (key, key.split("[")[0])
