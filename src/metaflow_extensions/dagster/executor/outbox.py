"""The way of a step's events from its thread to the executor's main thread."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from dagster import DagsterEvent, DagsterEventType

# Kinds of events as text: to make an enumeration of each event's takes longer than to compare it.
_URGENT = frozenset(
    kind.value for kind in (DagsterEventType.STEP_OUTPUT, DagsterEventType.HANDLED_OUTPUT)
)
"""After these, other steps may start."""
OF_NO_CONSEQUENCE = frozenset(
    kind.value
    for kind in (
        DagsterEventType.LOADED_INPUT,
        DagsterEventType.LOGS_CAPTURED,
        DagsterEventType.STEP_INPUT,
        DagsterEventType.STEP_START,
    )
)
"""These change nothing for other steps, nor for what ActiveExecution knows of this one."""


@dataclass(frozen=True)
class Ended:
    """A thread's message that a step has ended, with what broke off its events, if anything did."""

    step_key: str
    error: BaseException | None


class Outbox:
    """Sends the events of a step, which are in the event log already, a few at a time.

    The main thread has nothing to do for most of them, and to wake it for each takes about a tenth
    of a step's time in the run worker. They wait for the next output, or for the end of the step.
    """

    def __init__(self, send: Callable[[Sequence[DagsterEvent | Ended]], None]) -> None:
        self._send = send
        self._waiting: list[DagsterEvent | Ended] = []

    def put(self, event: DagsterEvent) -> None:
        self._waiting.append(event)
        if event.event_type_value in _URGENT:
            self.flush()

    def end(self, step_key: str, error: BaseException | None) -> None:
        self._waiting.append(Ended(step_key, error))
        self.flush()

    def flush(self) -> None:
        self._send(self._waiting)
        self._waiting = []
