"""What the code of an op can learn about the thread that it runs in.

The thread executor sets this around each step, and so do workers of the executor for Dask, whose
steps have threads too. Under any other executor an op owns its process:
``current_streams`` returns None and ``interrupted`` False, and Dagster captures the process's
output and interrupts its main thread.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Generator
from typing import BinaryIO

Streams = tuple[BinaryIO, BinaryIO]


class _Step(threading.local):
    open_streams: Callable[[], Streams | None] | None = None
    is_interrupted: Callable[[], bool] | None = None
    at_run_end: Callable[[Callable[[], object]], object] | None = None


_step = _Step()


def current_streams() -> Streams | None:
    """Where this step's stdout and stderr go in Dagster; None: to those of the process.

    The streams are opened by the first call: a step that prints nothing costs nothing.
    """
    return None if _step.open_streams is None else _step.open_streams()


def interrupted() -> bool:
    """Whether the run is being cancelled, so that this step has to end now."""
    return _step.is_interrupted is not None and _step.is_interrupted()


def is_threaded() -> bool:
    """Whether this step has a thread of its process, which may not be the main one."""
    return _step.is_interrupted is not None


def is_in_run_worker() -> bool:
    """Whether this process runs all steps of its run; workers of Dask have threads too."""
    return _step.at_run_end is not None


def interruption() -> Exception | None:
    """The error with which this step has to end now, as the run is being cancelled; else None.

    Dagster shows it as one line: a stack trace would say where the step waited for its task.
    """
    if not interrupted():
        return None
    from .executor._dagster_internals import error_of_one_line

    return error_of_one_line("Ended with its task: the run was cancelled.")


def at_run_end(call: Callable[[], object]) -> bool:
    """Have a function called when the run ends; False: this process has only some of its steps."""
    if _step.at_run_end is None:
        return False
    _step.at_run_end(call)
    return True


@contextlib.contextmanager
def running_step(
    open_streams: Callable[[], Streams | None],
    is_interrupted: Callable[[], bool],
    at_run_end: Callable[[Callable[[], object]], object] | None = None,
) -> Generator[None]:
    """Answer for this thread's step with these functions until the context ends."""
    _step.open_streams, _step.is_interrupted = open_streams, is_interrupted
    _step.at_run_end = at_run_end
    try:
        yield
    finally:
        _step.open_streams = _step.is_interrupted = _step.at_run_end = None
