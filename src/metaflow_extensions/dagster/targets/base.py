"""What every Dagster that runs go to can do, wherever it is. Imports no Dagster."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from typing import Any, ClassVar

from ..errors import DagsterRunError
from .runs import Launch, LogPart, RunEvent, RunInfo, Starter

_POLL_SECONDS = 1.0
_RECENT = 50  # runs to look through for one that is not tagged yet


class Target(ABC):
    """A Dagster that runs go to."""

    is_live: ClassVar[bool] = False
    """Whether it loads definitions files itself, so that they need not be on this machine."""
    description: str
    """What to call it in a message, such as ``the Dagster deployment at http://...``."""

    @abstractmethod
    def address(self) -> dict[str, Any]:
        """What finds the target again: see ``target_at``."""

    @abstractmethod
    def check(self) -> str:
        """Look whether it can be used; what it says of itself.

        Raises:
            DagsterRunError: it cannot, and why.
        """

    @abstractmethod
    def has_job(self, job: str) -> bool | None:
        """Whether it has loaded a job; None where it loads jobs only to run them."""

    @abstractmethod
    def start(self, launch: Launch) -> str:
        """Start a run that goes on when this process ends; its Dagster run id.

        Raises:
            DagsterRunError: the run was refused.
        """

    @abstractmethod
    def find_by_id(self, job: str, run_id: str) -> RunInfo | None:
        """The newest run of the job whose tag or Dagster run id this is."""

    @abstractmethod
    def list(self, job: str, limit: int) -> list[RunInfo]:
        """The latest runs of the job, newest first."""

    @abstractmethod
    def details(self, run: RunInfo) -> RunInfo:
        """The run with its steps counted and its error."""

    @abstractmethod
    def events(self, dagster_run_id: str, after: str | None) -> tuple[list[RunEvent], str | None]:
        """What has happened in a run since `after`, and what to say there the next time."""

    @abstractmethod
    def read_log(self, dagster_run_id: str, file_key: str, after: str | None) -> LogPart:
        """What has been written to a captured log since `after` (see ``RunEvent.file_key``)."""

    @abstractmethod
    def terminate(self, run: RunInfo) -> bool:
        """Ask a run to stop; True once it has ended."""

    @abstractmethod
    def prune(self, job: str, before: float, failed: bool, dry_run: bool) -> list[RunInfo]:
        """Take old runs of a job, with all that Dagster has of them, out of it; oldest first.

        Args:
            job: The job's name.
            before: The Unix time before which they have ended.
            failed: Also those that did not succeed, from whose records a re-execution goes on.
                Runs that an unfinished one re-executes stay all the same.
            dry_run: Only tell which they are.

        Raises:
            DagsterRunError: its storage cannot be opened from here, or files cannot be deleted.
        """

    @abstractmethod
    def how_to_open(self, run: RunInfo) -> str:
        """The URL of the run, or the command that shows it."""

    @abstractmethod
    def starters(self, job: str) -> list[Starter]:
        """The schedule and the sensors that start runs of a job.

        Raises:
            DagsterRunError: there is no running Dagster to ask.
        """

    @abstractmethod
    def switch(self, starter: Starter, on: bool) -> None:
        """Switch a schedule or a sensor on or off.

        Raises:
            DagsterRunError: it was refused.
        """

    def find(self, job: str, run_id: str) -> RunInfo | None:
        """A run of the job by its Metaflow or Dagster run id; None if there is none."""
        found = self.find_by_id(job, run_id)
        if found is not None:
            return found
        # A run that somebody else started has no tag until its first op begins.
        recent = self.list(job, _RECENT)
        return next((run for run in recent if run.metaflow_run_id == run_id), None)

    def run(
        self,
        launch: Launch,
        started: Callable[[str], None],
        listen: Callable[[RunEvent], None],
    ) -> bool:
        """Start a run and follow it to its end; tells whether it succeeded.

        Args:
            launch: What to run.
            started: Called with the Dagster run id when the run exists.
            listen: Called with what happens in the run.
        """
        dagster_run_id = self.start(launch)
        started(dagster_run_id)
        for event in self.follow(launch.job, dagster_run_id):
            listen(event)
        run = self.find(launch.job, dagster_run_id)
        return run is not None and run.status == "Succeeded"

    def follow(self, job: str, dagster_run_id: str) -> Iterator[RunEvent]:
        """What has happened in a run and what happens until it ends.

        A ``pause`` event comes after each look at a run that is on.

        Raises:
            DagsterRunError: the run is gone.
        """
        after = None
        while True:
            run = self.find(job, dagster_run_id)
            if run is None:
                raise DagsterRunError(f"Run {dagster_run_id} is gone from {self.description}.")
            # Asked for after the run: one that has ended has all its events by then.
            events, after = self.events(dagster_run_id, after)
            yield from events
            if not run.is_running:
                return
            yield RunEvent("pause")
            time.sleep(_POLL_SECONDS)

    def __repr__(self) -> str:
        address = ", ".join(f"{key}={value!r}" for key, value in self.address().items())
        return f"{type(self).__name__}({address})"
