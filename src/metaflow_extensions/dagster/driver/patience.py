"""How long a step waits for the datastore once its run is being cancelled.

Metaflow repeats a request to S3 for over an hour (``_one_boto_op`` in
metaflow/plugins/datatools/s3/s3.py: 20 times, up to 6 minutes apart), in ``time.sleep``. Python
interrupts that in the main thread, where the only step of a process runs, but in no other one: a
cancelled run would go on until the datastore answers.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast

from ..streams import interruption, is_threaded
from .flow import Flow, top_option

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])

_POLL = 0.2  # seconds between looks for a cancel


class GaveUpError(Exception):
    """What was asked of the datastore was not done before the step had to end."""


def patient(function: F) -> F:
    """Have a function that takes a flow first end with its run, if its step is cancelled.

    What it was doing goes on beside that until it ends, or the process does.
    """

    @wraps(function)
    def call(flow: Flow, *args: Any, **named: Any) -> Any:
        return within_run(flow, lambda: function(flow, *args, **named))

    return cast("F", call)


def within_run(
    flow: Flow, call: Callable[[], T], grace: float = 0.0, *, is_over: bool = False
) -> T:
    """Call a function that uses the datastore, but wait only so long after a cancel of the run.

    Args:
        grace: Seconds that it has from then on.
        is_over: The step has been interrupted already.

    Raises:
        Exception: what the function raises, or the error of the cancel.
        GaveUpError: it is over, and took longer than that.
    """
    if top_option(flow, "datastore") == "local" or not (is_over or is_threaded()):
        return call()
    results: list[T] = []
    errors: list[BaseException] = []
    ended = threading.Event()

    def work() -> None:
        try:
            results.append(call())
        except BaseException as error:
            errors.append(error)
        finally:
            ended.set()

    # A daemon: it does not keep the process from ending.
    threading.Thread(target=work, name="datastore", daemon=True).start()
    deadline = time.monotonic() + grace if is_over else math.inf
    while not ended.wait(_POLL):
        error = None if is_over else interruption()
        if error and deadline == math.inf:
            deadline = time.monotonic() + grace
        if time.monotonic() >= deadline:
            raise error or GaveUpError(f"The datastore did not answer in {grace:.0f} s.")
    if errors:
        raise errors[0]
    return results[0]
