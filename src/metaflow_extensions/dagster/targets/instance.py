"""Runs in an instance whose storage this process can open: DAGSTER_HOME, or the embedded one.

Dagster is imported when the instance is first needed: starting a detached run does not need it.
"""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timezone
from functools import cached_property
from importlib.metadata import version
from typing import IO, TYPE_CHECKING, Any, cast

from ..contract import _make_run_id, is_of_load_flows, tags
from ..contract.ops import is_step_key
from ..errors import DagsterRunError
from .base import Target
from .run_locks import log_path, process_of, remove_stale
from .run_process import Home, StoredRun, own_terminal, request_text
from .runs import Launch, LogPart, RunEvent, RunInfo, Starter, first_error, metaflow_status

if TYPE_CHECKING:
    from dagster import DagsterEvent, DagsterInstance, RunRecord, RunsFilter

_TERMINATE_SECONDS = 30.0  # a task's process group has 10 s before it is killed
_PAGE = 500  # runs that are read at a time
_PORT = 3000  # where `dagster dev` listens by default


class LocalTarget(Target):
    """An instance of Dagster, by its folder."""

    def __init__(self, home: str, *, embedded: bool) -> None:
        self._home = Home(os.path.abspath(home), embedded)
        kind = "embedded Dagster instance" if embedded else "Dagster instance"
        self.description = f"the {kind} in {self._home.path}"

    def address(self) -> dict[str, Any]:
        return {"home": self._home.path, "embedded": self._home.embedded}

    @cached_property
    def _instance(self) -> DagsterInstance:
        from .open_instance import open_instance

        return open_instance(self._home.path, embedded=self._home.embedded)

    def check(self) -> str:
        self._instance.get_runs(limit=1)
        return f"opened with dagster {version('dagster')}"

    def has_job(self, job: str) -> None:
        return None

    def start(self, launch: Launch) -> str:
        """Start a run in a process of its own."""
        process = subprocess.Popen(
            [sys.executable, "-m", "metaflow_extensions.dagster.targets.run_process"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            text=True,
        )
        stdin, stdout, stderr = (
            cast(IO[str], f) for f in (process.stdin, process.stdout, process.stderr)
        )
        with stdin:
            stdin.write(request_text(self._home, launch))
        answer = stdout.readline()
        if not answer:
            said = stderr.read().strip().splitlines()
            raise DagsterRunError(
                "The process of the run ended before the run began: "
                + (said or ["it said nothing"])[-1]
            )
        refusal = json.loads(answer).get("error")
        if refusal:
            process.wait()
            raise DagsterRunError(refusal)
        # It is on its own from here: no warning about a child that was not waited for.
        process.returncode = 0
        return launch.dagster_run_id

    def run(
        self,
        launch: Launch,
        started: Callable[[str], None],
        listen: Callable[[RunEvent], None],
    ) -> bool:
        """Run in this process."""
        run = StoredRun(self._home, launch)
        vars(self)["_instance"] = run.instance
        started(launch.dagster_run_id)

        def hear(event: DagsterEvent) -> None:
            if heard := run_event(event):
                listen(heard)

        with own_terminal(log_path(self._home.path, launch.dagster_run_id)):
            return run.execute(hear)

    def find_by_id(self, job: str, run_id: str) -> RunInfo | None:
        from dagster import RunsFilter

        for filters in (
            RunsFilter(job_name=job, tags={tags.RUN_ID: run_id}),
            RunsFilter(job_name=job, run_ids=[run_id]),
        ):
            # The newest: a run that was re-executed goes by the same Metaflow run id.
            records = self._instance.get_run_records(filters, limit=1)
            if records:
                return self._info(records[0])
        return None

    def list(self, job: str, limit: int) -> list[RunInfo]:
        from dagster import RunsFilter

        records = self._instance.get_run_records(RunsFilter(job_name=job), limit=limit)
        return [self._info(record) for record in records]

    def details(self, run: RunInfo) -> RunInfo:
        """The run with its steps counted and its error."""
        from dagster import DagsterEventType

        kinds = {
            DagsterEventType.STEP_SUCCESS,
            DagsterEventType.STEP_FAILURE,
            DagsterEventType.RUN_FAILURE,
        }
        done, failed, said = set[str](), list[str](), list[RunEvent]()
        for entry in self._instance.all_logs(run.dagster_run_id, of_type=kinds):
            event = entry.dagster_event
            if event is None:
                continue
            if heard := run_event(event):
                said.append(heard)
            if not event.step_key or not is_step_key(event.step_key):  # helper ops run no task
                continue
            if event.is_step_success:
                done.add(event.step_key)
            elif event.is_step_failure:
                failed.append(event.step_key)
        error = run.error or first_error(said)
        return replace(run, steps_done=len(done), steps_failed=tuple(failed), error=error)

    def events(self, dagster_run_id: str, after: str | None) -> tuple[list[RunEvent], str | None]:
        found: list[RunEvent] = []
        while True:
            page = self._instance.get_records_for_run(dagster_run_id, cursor=after)
            for record in page.records:
                entry = record.event_log_entry
                if entry.dagster_event and (event := run_event(entry.dagster_event)):
                    found.append(replace(event, time=entry.timestamp))
            after = page.cursor
            if not page.has_more:
                return found, after

    def read_log(self, dagster_run_id: str, file_key: str, after: str | None) -> LogPart:
        manager = self._instance.compute_log_manager
        key = manager.build_log_key_for_run(dagster_run_id, file_key)
        part = manager.get_log_data(key, cursor=after)
        out, err = ((text or b"").decode(errors="replace") for text in (part.stdout, part.stderr))
        return LogPart(out, err, part.cursor)

    def starters(self, job: str) -> list[Starter]:
        raise DagsterRunError(
            f"Schedules and sensors of job *{job}* are switched by a running Dagster, and "
            f"{self.description} is only its storage. Name the webserver with --url, or with "
            "METAFLOW_DAGSTER_URL."
        )

    def switch(self, starter: Starter, on: bool) -> None:
        self.starters(starter.name)

    def terminate(self, run: RunInfo) -> bool:
        process = process_of(self._home.path, run.dagster_run_id)
        stored = self._instance.get_run_by_id(run.dagster_run_id)
        if stored is None or stored.is_finished:
            return True
        if process:
            # Without this mark, Dagster takes the interrupt for a failure.
            self._instance.report_run_canceling(stored)
            os.kill(process, signal.SIGTERM)
        elif stored.tags.get("dagster/grpc_info"):
            # Launched by a code server, which can reach the run's process.
            self._instance.run_launcher.terminate(run.dagster_run_id)
        else:
            self._instance.report_run_canceled(stored, message="No process was running it.")
        deadline = time.monotonic() + _TERMINATE_SECONDS
        while time.monotonic() < deadline:
            stored = self._instance.get_run_by_id(run.dagster_run_id)
            if stored is None or stored.is_finished:
                return True
            if process and process_of(self._home.path, run.dagster_run_id) == 0:
                self._instance.report_run_canceled(stored, message="Its process was ended.")
            time.sleep(0.1)
        return False

    def prune(self, job: str, before: float, failed: bool, dry_run: bool) -> list[RunInfo]:
        from dagster import DagsterRunStatus as Status
        from dagster import RunsFilter

        ended = [Status.SUCCESS, *([Status.FAILURE, Status.CANCELED] if failed else [])]
        over = {Status.SUCCESS, Status.FAILURE, Status.CANCELED}
        created_before = datetime.fromtimestamp(before, timezone.utc)
        filters = RunsFilter(job_name=job, statuses=ended, created_before=created_before)
        found = [
            record
            for record in self._records(filters)
            if record.end_time is not None and record.end_time < before
        ]
        # Looked at last: a re-execution that has begun meanwhile is among them.
        unfinished = RunsFilter(job_name=job, statuses=[s for s in Status if s not in over])
        needed: set[str | None] = set()
        for record in self._records(unfinished):
            needed |= {record.dagster_run.parent_run_id, record.dagster_run.root_run_id}
        old = [record for record in found[::-1] if record.dagster_run.run_id not in needed]
        infos = [self._info(record) for record in old]
        if not dry_run:
            from .run_files import delete_run

            for run in infos:
                delete_run(self._instance, self._home.path, run.dagster_run_id)
        return infos

    def how_to_open(self, run: RunInfo) -> str:
        earlier = tags.DEFINITIONS_FILE.replace(tags.HIDDEN, tags.PREFIX)
        file = run.tags.get(tags.DEFINITIONS_FILE) or run.tags.get(earlier, "")
        # What load_flows makes is loaded by the project that calls it.
        loaded = f" -f {shlex.quote(file)}" if file and not is_of_load_flows(file) else ""
        where = "" if loaded else " as in your project,"
        return (
            f"DAGSTER_HOME={shlex.quote(self._home.path)} dagster dev{loaded}"
            f"  #{where} then open http://localhost:{_PORT}/runs/{run.dagster_run_id}"
        )

    def log_file(self, dagster_run_id: str) -> str:
        """Where the process of a detached run writes."""
        return log_path(self._home.path, dagster_run_id)

    def _records(self, filters: RunsFilter) -> Iterator[RunRecord]:
        """All runs that a filter finds, newest first, read page by page."""
        cursor: str | None = None
        while page := self._instance.get_run_records(filters, limit=_PAGE, cursor=cursor):
            yield from page
            cursor = page[-1].dagster_run.run_id

    def _info(self, record: RunRecord) -> RunInfo:
        run = record.dagster_run
        error = None
        if not run.is_finished and process_of(self._home.path, run.run_id) == 0:
            error = "The process of the run was killed."
            self._instance.report_run_failed(run, message=error)
            remove_stale(self._home.path, run.run_id)
            (record,) = self._instance.get_run_records(_only(run.run_id))
            run = record.dagster_run
        return RunInfo(
            dagster_run_id=run.run_id,
            metaflow_run_id=run.tags.get(tags.RUN_ID) or _make_run_id(run.run_id),
            job=run.job_name,
            status=metaflow_status(run.status.value),
            started=record.start_time,
            ended=record.end_time,
            tags=dict(run.tags),
            error=error,
        )


def _only(run_id: str) -> Any:
    from dagster import RunsFilter

    return RunsFilter(run_ids=[run_id])


def step_error(event: DagsterEvent) -> str | None:
    """What a failed step says: the description of its Failure, or the error itself.

    None for a step that was stopped.
    """
    data = event.step_failure_data
    if data.user_failure_data and data.user_failure_data.description:
        return data.user_failure_data.description
    error = data.error
    if error is None or error.cls_name == "DagsterExecutionInterruptedError":
        return None
    return _innermost(error)


def _innermost(error: Any) -> str:
    """The cause: "Error occurred while executing op" says nothing of why."""
    while error.cause is not None:
        error = error.cause
    return error.message.strip()


_KINDS = {"STEP_START": "started", "STEP_SUCCESS": "done", "STEP_UP_FOR_RETRY": "retry"}


def run_event(event: DagsterEvent) -> RunEvent | None:
    """An event of Dagster's log for those who follow the run; None if it says nothing to them."""
    kind = event.event_type_value
    if kind in _KINDS:
        return RunEvent(_KINDS[kind], event.step_key or "")
    if kind == "STEP_FAILURE":
        return RunEvent("failed", event.step_key or "", step_error(event))
    if kind == "LOGS_CAPTURED":
        data = event.logs_captured_data
        return RunEvent("logs", ",".join(data.step_keys or ()), file_key=data.file_key)
    if kind in ("PIPELINE_FAILURE", "RUN_FAILURE"):
        # Whoever reports that a run has died gives no such data.
        error = getattr(event.event_specific_data, "error", None)
        return RunEvent("run failed", error=_innermost(error) if error else event.message)
    return None
