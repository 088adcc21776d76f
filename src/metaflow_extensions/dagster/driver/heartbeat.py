"""A run's heartbeat to Metaflow's metadata service: without it a run counts as dead between tasks.

A native run sends it as long as it lasts (``run_heartbeat`` in metaflow/runtime.py), and each task
its own. Under Dagster the run worker does, from the run's first task to its end; under an
executor that runs steps in processes of their own, each of those while it has a task.
"""

from __future__ import annotations

import threading
from collections.abc import Generator
from contextlib import contextmanager
from importlib import import_module

from .. import streams
from .flow import Flow, top_option
from .settings import use_settings

_LAST = 2.0  # seconds that the end of a run waits for its last heartbeat
_LONGEST_PAUSE = 60.0  # seconds between heartbeats while the service does not answer

_lock = threading.Lock()
_beats: dict[tuple[str, str], _Beat] = {}  # by flow and run


@contextmanager
def heartbeat(flow: Flow, run_id: str) -> Generator[None]:
    """Send the run's heartbeats until the context ends or, where the run is this process's, it.

    There are none where metadata is not in a service. A service that does not answer disturbs
    nothing.
    """
    if top_option(flow, "metadata").partition("@")[0] != "service":
        yield
        return
    key = flow.flow_name, run_id
    with _lock:
        if key not in _beats:
            _beats[key] = _Beat(flow, run_id)
            if streams.at_run_end(lambda: _release(key)):
                _beats[key].holders += 1
        _beats[key].holders += 1
    try:
        yield
    finally:
        _release(key)


def _release(key: tuple[str, str]) -> None:
    with _lock:
        beat = _beats[key]
        beat.holders -= 1
        if beat.holders:
            return
        del _beats[key]
    beat.stop()


class _Beat:
    """The thread that sends a run's heartbeats, while something holds it."""

    def __init__(self, flow: Flow, run_id: str) -> None:
        self.holders = 0
        self._stopped = threading.Event()
        # A daemon: a service that hangs does not keep the process from ending.
        self._thread = threading.Thread(
            target=self._send, args=(flow, run_id), name="heartbeat", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Send the last one, as the end of a native run does."""
        self._stopped.set()
        self._thread.join(_LAST)

    def _send(self, flow: Flow, run_id: str) -> None:
        use_settings(flow)
        import_module("metaflow")  # before its extension, which it loads itself
        from .._metaflow_internals.heartbeat import run_heartbeat

        send = run_heartbeat(flow.flow_name, run_id)
        failures = 0
        is_last = False
        while not is_last:
            is_last = self._stopped.is_set()
            wait = send()
            failures = 0 if wait else failures + 1
            # Its pauses after failures are those of metaflow/metadata_provider/heartbeat.py.
            self._stopped.wait(wait or min(1.5**failures, _LONGEST_PAUSE))
