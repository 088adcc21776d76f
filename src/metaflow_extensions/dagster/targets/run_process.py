"""Runs a job in this process. With ``python -m``, the run outlives its command.

The detached form reads what to run from stdin, answers on stdout with one line of JSON when the
run has been stored or refused, and then works on, writing to its log. Imports Dagster inside
functions, so that a wrong definitions file can be reported as such.
"""

from __future__ import annotations

import gc
import json
import os
import signal
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from threading import Thread
from typing import TYPE_CHECKING, Any

from ..errors import DagsterRunError
from .run_locks import hold_run_lock, log_path
from .runs import Launch

if TYPE_CHECKING:
    from dagster import DagsterEvent, DagsterInstance, DagsterRun

# Dagster's own log lines on the terminal; the events are in the instance all the same.
_QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


@dataclass(frozen=True)
class Home:
    """The folder of a Dagster instance."""

    path: str
    embedded: bool


class StoredRun:
    """A run that is stored in an instance and can be executed."""

    def __init__(self, home: Home, launch: Launch) -> None:
        """Load the definitions file and store the run.

        Raises:
            DagsterRunError: the file or the values given do not fit, or Dagster is a version that
                lacks what running a job here needs.
        """
        # A tenth of the time that the imports take would go into collecting their garbage.
        gc.disable()
        import dagster

        try:
            from ._dagster_internals import create_run, declared_job, load_job
        except ImportError as error:
            raise DagsterRunError(
                f"Dagster {dagster.__version__} lacks what starting a run without a webserver "
                f"needs ({error}). Start the run on a live deployment (--url), or install a "
                "Dagster that metaflow-dagster is tested with (docs/versions.md)."
            ) from error
        from ..executor import begin_early
        from ..executor.garbage import spare_for_good
        from .open_instance import open_instance

        self.home = home.path
        folder = os.path.dirname(launch.definitions_file)
        self._job = load_job(launch.definitions_file, launch.job, folder)
        with _explained(launch):
            job = declared_job(self._job)
            if job is not None:
                begin_early(job)  # goes on while the instance is opened
        self.instance: DagsterInstance = open_instance(home.path, embedded=home.embedded)
        config = {**_QUIET, **launch.run_config}
        with _explained(launch):
            self.run: DagsterRun = create_run(
                self.instance, self._job, launch.dagster_run_id, config, launch.tags
            )
        spare_for_good()
        gc.enable()

    def execute(self, listen: Callable[[DagsterEvent], None]) -> bool:
        """Run it to its end; tells whether it succeeded."""
        from dagster import DagsterRunStatus

        from ._dagster_internals import execute

        with hold_run_lock(self.home, self.run.run_id), _ctrl_c_cancels(self.instance, self.run):
            for event in execute(self.instance, self._job, self.run):
                listen(event)
        run = self.instance.get_run_by_id(self.run.run_id)
        return run is not None and run.status == DagsterRunStatus.SUCCESS


@contextmanager
def own_terminal(log: str) -> Generator[None]:
    """Keep the terminal for what this process says itself: its children write to a file.

    The processes of Dagster's multiprocess executor log to their stderr, whatever the run
    configures, as the first thing that each does.

    Args:
        log: Path of the file. It is not there afterwards if nothing has been written to it.
    """
    streams = sys.stdout, sys.stderr
    terminal = [os.dup(stream) for stream in (1, 2)]
    for stream in streams:
        stream.flush()
    sys.stdout, sys.stderr = (
        open(os.dup(stream), "w", buffering=1, encoding=usual.encoding, errors=usual.errors)
        for stream, usual in zip((1, 2), streams, strict=True)
    )
    _write_to(log)
    try:
        yield
    finally:
        for stream in (sys.stdout, sys.stderr):
            stream.close()
        sys.stdout, sys.stderr = streams
        for kept, stream in zip(terminal, (1, 2), strict=True):
            os.dup2(kept, stream)
            os.close(kept)
        _remove_empty(log)


def _write_to(log: str) -> None:
    """Have this process and its children write to a file."""
    os.makedirs(os.path.dirname(log), exist_ok=True)
    with open(log, "a") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)


def _remove_empty(log: str) -> None:
    if not os.path.getsize(log):
        os.unlink(log)


@contextmanager
def _ctrl_c_cancels(instance: DagsterInstance, run: DagsterRun) -> Generator[None]:
    """Mark the run as being cancelled when SIGINT comes, which Dagster would record as a failure.

    Dagster installs a signal handler of its own while it runs a job, so the signal is learnt of
    by the descriptor that Python writes signals to, in a thread.
    """
    reader, writer = os.pipe()
    os.set_blocking(writer, False)

    def watch() -> None:
        while signals := os.read(reader, 16):
            if signal.SIGINT in signals:
                instance.report_run_canceling(run)
                return

    watcher = Thread(target=watch, daemon=True)
    watcher.start()
    before = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    try:
        yield
    finally:
        signal.set_wakeup_fd(before)
        os.close(writer)
        watcher.join()
        os.close(reader)


class _explained:
    """Turns Dagster's complaints about a file or a value into one line."""

    def __init__(self, launch: Launch) -> None:
        self._launch = launch

    def __enter__(self) -> None: ...

    def __exit__(self, kind: Any, error: BaseException | None, _: Any) -> None:
        from dagster import DagsterInvalidConfigError

        launch = self._launch
        if error is None or isinstance(error, DagsterRunError):
            return
        if isinstance(error, DagsterInvalidConfigError):
            reasons = "; ".join(reason.message for reason in error.errors)
            raise DagsterRunError(
                f"Job {launch.job} does not take these parameters: {reasons} If the flow has "
                "changed since, run `dagster create` again."
            ) from error
        if isinstance(error, Exception):
            raise DagsterRunError(
                f"Job {launch.job} cannot be loaded from {launch.definitions_file}: "
                f"{_cause(error)} Make the file again with `dagster create`."
            ) from error


def _cause(error: BaseException) -> str:
    while error.__cause__ is not None:
        error = error.__cause__
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text[:300]}"


def request_text(home: Home, launch: Launch) -> str:
    """What the detached form reads."""
    return json.dumps({"home": asdict(home), "launch": asdict(launch)})


def main() -> None:
    request = json.load(sys.stdin)
    home, launch = Home(**request["home"]), Launch(**request["launch"])
    # The answer goes through a copy, so that nothing else on stdout can get in between.
    answer = os.fdopen(os.dup(1), "w", encoding="utf-8")
    log = log_path(home.path, launch.dagster_run_id)
    _write_to(log)
    try:
        stored = StoredRun(home, launch)
    except DagsterRunError as error:
        _reply(answer, {"error": error.message})
        os.unlink(log)
        sys.exit(1)
    _reply(answer, {"stored": stored.run.run_id})
    succeeded = stored.execute(lambda event: None)
    _remove_empty(log)
    sys.exit(0 if succeeded else 1)


def _reply(answer: Any, content: dict[str, str]) -> None:
    with answer:
        answer.write(json.dumps(content) + "\n")


if __name__ == "__main__":
    main()
