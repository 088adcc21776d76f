"""The stdout and stderr of one step, where the instance keeps compute logs.

Dagster captures the descriptors of a process; steps that share one need streams of their own.
"""

import io
import sys
from collections.abc import Callable
from contextlib import ExitStack
from typing import IO, Any, BinaryIO

from dagster import DagsterEvent

from ._dagster_internals import (
    CapturedLogContext,
    CloudStorageComputeLogManager,
    ComputeIOType,
    EngineEventData,
    LocalComputeLogManager,
    PlanExecutionContext,
    create_compute_log_file_key,
    serializable_error_info_from_exc_info,
)


class StepLogs:
    """Opens the streams of a step when it first asks for them.

    When they cannot be opened, the step goes on without them and an event says so, as in Dagster.

    Args:
        emit: Takes the events about the streams.
    """

    def __init__(
        self, context: PlanExecutionContext, step_key: str, emit: Callable[[DagsterEvent], None]
    ) -> None:
        self._context = context
        self._step_key = step_key
        self._emit = emit
        self._stack = ExitStack()
        self._is_open = False
        self._streams: tuple[BinaryIO, BinaryIO] | None = None

    def open(self) -> tuple[BinaryIO, BinaryIO] | None:
        """The streams; None if the instance keeps no compute logs."""
        if not self._is_open:
            self._is_open = True
            try:
                self._streams = self._open()
            except Exception:
                self._report("Exception while setting up compute log capture")
        return self._streams

    def close(self) -> None:
        """Close what is open, and say that the logs are complete."""
        try:
            self._stack.close()
        except Exception:
            self._report("Exception while cleaning up compute log capture")

    def _open(self) -> tuple[BinaryIO, BinaryIO] | None:
        context = self._context
        manager: Any = context.instance.compute_log_manager
        log_key = manager.build_log_key_for_run(context.run_id, create_compute_log_file_key())
        if isinstance(manager, CloudStorageComputeLogManager):
            # Its own open_log_stream uploads both files, and removes them, when either is closed.
            local: Any = manager.local_manager
            self._stack.callback(manager._on_capture_complete, log_key)
            self._stack.enter_context(manager._poll_for_local_upload(log_key))
        else:
            local = manager
        if isinstance(local, LocalComputeLogManager):
            self._stack.callback(_mark_complete, local, log_key)
        streams: list[IO[Any] | None] = [
            self._stack.enter_context(local.open_log_stream(log_key, kind))
            for kind in (ComputeIOType.STDOUT, ComputeIOType.STDERR)
        ]
        stdout, stderr = streams
        if stdout is None or stderr is None:
            return None
        log_context = CapturedLogContext(log_key)
        self._emit(DagsterEvent.capture_logs(context, [self._step_key], log_key, log_context))
        return _binary(stdout), _binary(stderr)

    def _report(self, message: str) -> None:
        error = serializable_error_info_from_exc_info(sys.exc_info())
        self._emit(DagsterEvent.engine_event(self._context, message, EngineEventData(error=error)))


def _binary(stream: IO[Any]) -> BinaryIO:
    """The byte stream under a text stream, which the local compute log manager opens."""
    return stream.buffer if isinstance(stream, io.TextIOWrapper) else stream  # pyright: ignore


def _mark_complete(manager: Any, log_key: list[str]) -> None:
    """Leave the file by which readers know that nothing more will come, as `capture_logs` does."""
    with open(manager.complete_artifact_path(log_key), "a"):
        pass
