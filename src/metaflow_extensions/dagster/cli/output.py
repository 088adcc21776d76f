"""How commands print runs: lines for people, JSON for programs."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

from ..contract.ops import is_step_key, task_label
from ..deploy.registry import Deployment
from ..targets.base import Target
from ..targets.runs import RunEvent, RunInfo

if TYPE_CHECKING:
    from .._metaflow_internals.types import CliState


class Progress:
    """Prints what happens in a run as it happens; nothing, if it is to be quiet."""

    def __init__(self, state: CliState, run_id: str, *, quiet: bool = False) -> None:
        self._state = state
        self.run_id = run_id
        self._quiet = quiet
        self._done = 0
        self._error = ""

    def __call__(self, event: RunEvent) -> None:
        """Take an event of the run."""
        if event.kind == "run failed":
            self._error = self._error or event.error or ""
            return
        if not is_step_key(event.step_key):  # helper ops run no task
            return
        task = task_label(event.step_key)
        if event.kind == "started":
            self._say(f"{task}: started", event.time)
        elif event.kind == "done":
            self._done += 1
            self._say(f"{task}: done ({counted(self._done, 'task')} done)", event.time)
        elif event.kind == "retry":
            self._say(f"{task}: failed, will be tried again", event.time)
        elif event.kind == "failed":
            self._error = event.error or ""
            self._say(f"{task}: failed", event.time, error=True)

    def end(self, succeeded: bool) -> bool:
        """Say how the run ended; returns the same."""
        if succeeded:
            self._say("Done!")
        else:
            if self._error and not self._quiet:
                self._state.echo_always(self._error, err=True, fg="red", no_bold=True)
            self._say("The run did not succeed.", error=True)
        return succeeded

    def _say(self, text: str, at: float | None = None, *, error: bool = False) -> None:
        if self._quiet:
            return
        when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at))
        line = f"{when} [{self.run_id}] {text}"
        self._state.echo_always(line, err=error, fg="red" if error else None, no_bold=True)


def as_dict(state: CliState, target: Target, run: RunInfo) -> dict[str, Any]:
    """What a program is told of a run."""
    content = {
        "run_id": run.metaflow_run_id,
        "dagster_run_id": run.dagster_run_id,
        "job": run.job,
        "status": run.status,
        "started": run.started,
        "ended": run.ended,
        "pathspec": f"{state.flow.name}/{run.metaflow_run_id}",
        "open": target.how_to_open(run),
    }
    if run.steps_done is not None:
        content |= {
            "tasks_done": run.steps_done,
            "tasks_failed": [task_label(key) for key in run.steps_failed],
            "error": run.error,
        }
    return content


def job_as_dict(job: Deployment) -> dict[str, Any]:
    """What a program is told of a deployed job."""
    return {
        "name": job.name,
        "flow": job.flow_name,
        "definitions_file": job.definitions_file,
        "user": job.user,
        "project": job.project,
        "branch": job.branch,
    }


def counted(number: int, noun: str) -> str:
    """A number of things in words: ``1 task``, ``2 tasks``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def times(run: RunInfo) -> str:
    """When a run began and how long it took."""
    if run.started is None:
        return "not started"
    begun = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(run.started))
    seconds = (run.ended or time.time()) - run.started
    return f"started {begun}, {'took' if run.ended else 'for'} {seconds:.0f} s"


def print_json(state: CliState, content: Any) -> None:
    """Print JSON to stdout, with nothing around it."""
    state.echo_always(json.dumps(content, indent=2), err=False, no_bold=True)


def print_json_line(content: Any) -> None:
    """Print JSON to stdout in a line of its own, for whoever reads while a command runs."""
    print(json.dumps(content), flush=True)
