"""A run as the commands and the Deployer see it, wherever it is. Imports no Dagster."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

# Dagster's statuses in the words that Metaflow's deployers use.
_STATUS = {
    "NOT_STARTED": "Pending",
    "QUEUED": "Pending",
    "MANAGED": "Pending",
    "STARTING": "Pending",
    "STARTED": "Running",
    "CANCELING": "Running",
    "SUCCESS": "Succeeded",
    "FAILURE": "Failed",
    "CANCELED": "Terminated",
}
UNFINISHED = ("Pending", "Running")


@dataclass(frozen=True)
class Launch:
    """A run to be started."""

    dagster_run_id: str
    job: str
    definitions_file: str
    """Absolute path; empty where a live deployment has loaded the job itself."""
    run_config: dict[str, Any]
    tags: dict[str, str]


@dataclass(frozen=True)
class RunInfo:
    """A run that exists."""

    dagster_run_id: str
    metaflow_run_id: str
    job: str
    status: str
    """``Pending``, ``Running``, ``Succeeded``, ``Failed`` or ``Terminated``."""
    started: float | None
    """Unix time; None before it starts."""
    ended: float | None
    tags: dict[str, str] = field(default_factory=dict[str, str])
    steps_done: int | None = None
    steps_failed: tuple[str, ...] = ()
    """Keys of steps whose tasks failed."""
    url: str | None = None
    error: str | None = None

    @property
    def is_running(self) -> bool:
        return self.status in UNFINISHED


@dataclass(frozen=True)
class RunEvent:
    """What happens in a run, in the terms that its followers need."""

    kind: str
    """``started``, ``done``, ``retry`` or ``failed``, of a step; ``run failed``; ``logs``, where
    its output is from now on; ``pause``: nothing, for now."""
    step_key: str = ""
    error: str | None = None
    time: float | None = None
    """Unix time; None for now."""
    file_key: str | None = None
    """Of ``logs``: what ``read_log`` asks for."""


@dataclass(frozen=True)
class LogPart:
    """A part of the captured output of a step, and where the next part begins."""

    stdout: str
    stderr: str
    after: str | None


@dataclass(frozen=True)
class Starter:
    """A schedule or a sensor that starts runs of a job."""

    name: str
    kind: str
    """``schedule`` or ``sensor``."""
    is_on: bool
    state_id: str
    selector: dict[str, str] = field(default_factory=dict[str, str])
    """Its place in the deployment, as Dagster's API asks for it."""


def first_error(events: Iterable[RunEvent]) -> str | None:
    """Why a run failed: what its first failed step says, or the run where no step has failed."""
    errors = [e for e in events if e.error and e.kind in ("failed", "run failed")]
    return next((e.error for e in sorted(errors, key=lambda e: e.kind != "failed")), None)


def metaflow_status(dagster_status: str) -> str:
    """Raises KeyError for a status that Dagster does not have."""
    return _STATUS[dagster_status]
