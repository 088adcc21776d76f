"""What a helper op takes in place of the list of all values: each value when it is there."""

from __future__ import annotations

import queue
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from dagster import DagsterEvent, DagsterExecutionInterruptedError, StepExecutionContext

from ._dagster_internals import FromStepOutput, StepInputSource, StepOutputHandle

_INTERRUPT_POLL = 0.2  # seconds between looks for an interrupt while nothing arrives


class Arrivals(list[Any]):
    """Values of a helper op's input, handed on by the executor's main thread.

    It is an empty list to Dagster's check of types. The helpers of a generated file ask it for
    `arriving` or `groups` (``_arriving`` and ``_grouped`` of the file).
    """

    def __init__(self, is_stopped: Callable[[], bool]) -> None:
        super().__init__()
        self.load: Callable[[StepOutputHandle], Any] | None = None
        self._is_stopped = is_stopped
        self._units: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._is_waiting = False

    @property
    def is_idle(self) -> bool:
        """Whether all that was handed on has been used, and its outputs are reported."""
        return self._is_waiting and self._units.empty()

    def put(
        self, handles: Sequence[StepOutputHandle], used: Callable[[], None] | None = None
    ) -> None:
        """Hand on these values together; `used` is called when the next ones are asked for."""
        self._units.put((handles, used))

    def end(self, error: BaseException | None = None) -> None:
        """No more will come: that was all, or `error` is why."""
        self._units.put(error)

    def arriving(self) -> Iterator[Any]:
        """Every value, as soon as it is there."""
        for values in self.groups():
            yield from values

    def groups(self) -> Iterator[list[Any]]:
        """The values of an item, as soon as all of them are there."""
        assert self.load is not None
        while True:
            self._is_waiting = True
            try:
                unit = self._units.get(timeout=_INTERRUPT_POLL)
            except queue.Empty:
                if self._is_stopped():
                    raise DagsterExecutionInterruptedError from None
                continue
            self._is_waiting = False
            if unit is None:
                return
            if isinstance(unit, BaseException):
                raise unit
            handles, used = unit
            yield [self.load(handle) for handle in handles]
            if used is not None:
                used()


class FromArrivals(StepInputSource):
    """A step's input that gets `Arrivals`."""

    def __init__(self, arrivals: Arrivals) -> None:
        self._arrivals = arrivals

    def load_input_object(
        self, step_context: StepExecutionContext, input_def: Any
    ) -> Iterator[object]:
        def load(handle: StepOutputHandle) -> Any:
            source = FromStepOutput(step_output_handle=handle, fan_in=True)
            loaded = source.load_input_object(step_context, input_def)
            (value,) = (item for item in loaded if not isinstance(item, DagsterEvent))
            return value

        self._arrivals.load = load
        yield self._arrivals
