"""A run as the commands and the Deployer see it, wherever it is. Imports no Dagster."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol

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
    tags: dict[str, str] = field(default_factory=dict)
    steps_done: int | None = None
    steps_failed: tuple[str, ...] = ()
    url: str | None = None
    error: str | None = None

    @property
    def is_running(self) -> bool:
        return self.status in UNFINISHED


@dataclass(frozen=True)
class RunEvent:
    """What happens in a run, in the terms that its followers need."""

    kind: str
    """``started``, ``done``, ``retry`` or ``failed``, of a step; ``run failed``."""
    step_key: str = ""
    error: str | None = None


class Target(Protocol):
    """A Dagster that runs go to."""

    description: str

    def address(self) -> dict[str, Any]:
        """What finds the target again: see ``target_at``."""
        ...

    def find(self, job: str, run_id: str) -> RunInfo | None:
        """A run of the job by its Metaflow or Dagster run id; None if there is none."""
        ...

    def list(self, job: str, limit: int) -> list[RunInfo]:
        """The latest runs of the job, newest first."""
        ...

    def terminate(self, run: RunInfo) -> bool:
        """Ask a run to stop; True once it has ended."""
        ...

    def how_to_open(self, run: RunInfo) -> str:
        """The URL of the run, or the command that shows it."""
        ...


def metaflow_status(dagster_status: str) -> str:
    """Raises KeyError for a status that Dagster does not have."""
    return _STATUS[dagster_status]
