"""The step decorator that the generated command line attaches to every step.

Users never write it: `_run_task` of the generated file adds ``--with=dagster_internal``. The
pattern is that of Metaflow's own schedulers (plugins/airflow/airflow_decorator.py,
plugins/argo/argo_workflows_decorator.py).
"""

from __future__ import annotations

import json
import os
import traceback
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from metaflow.decorators import StepDecorator
from metaflow.unbounded_foreach import UBF_TASK

from .._metaflow_internals import ends_of, foreach_frames
from .._metaflow_internals.untyped import register_metadata
from ..contract import variables
from .artifacts import values_at_hand
from .current_trigger import report_provenance, stored_provenance
from .result import frame_facts, task_result

if TYPE_CHECKING:
    from .._metaflow_internals.types import Flow, Graph, TaskDatastore

_METADATA = {
    "dagster-run-id": variables.RUN_ID,
    "dagster-job": variables.JOB,
    "dagster-step-key": variables.STEP_KEY,
}


class DagsterInternalDecorator(StepDecorator):
    """Says in the task's metadata which Dagster step ran it, and tells that step what follows."""

    name = "dagster_internal"

    _error: str | None = None
    _is_worker = False
    _frames: Mapping[str, Any] = {}
    _values: Mapping[str, Any] = {}

    def step_init(
        self,
        flow: Flow,
        graph: Graph,
        step_name: str,
        decorators: Any,
        environment: Any,
        flow_datastore: Any,
        logger: Any,
    ) -> None:
        if variables.WAITS in os.environ:
            # Which few processes need.
            from .launch import prepare_to_wait

            prepare_to_wait(decorators)

    def task_pre_step(
        self,
        step_name: str,
        task_datastore: TaskDatastore,
        metadata: Any,
        run_id: str,
        task_id: str,
        flow: Flow,
        graph: Graph,
        retry_count: int,
        max_user_code_retries: int,
        ubf_context: str | None,
        inputs: Any,
    ) -> None:
        # Workers of a gang inherit the environment of their control task, but not its result.
        self._is_worker = ubf_context == UBF_TASK
        self._datastore = task_datastore
        self._frames = frame_facts(foreach_frames(flow))
        if variables.RUN_ID not in os.environ:  # a pod or another machine
            os.environ.update(stored_provenance(task_datastore))
        values = {
            field: os.environ[variable]
            for field, variable in _METADATA.items()
            if variable in os.environ
        }
        values |= report_provenance(is_start=step_name == ends_of(graph)[0])
        if values:
            fields = [(field, value, field) for field, value in values.items()]
            register_metadata(metadata, run_id, step_name, task_id, fields, attempt=retry_count)

    def task_post_step(
        self, step_name: str, flow: Flow, graph: Graph, retry_count: int, max_user_code_retries: int
    ) -> None:
        self._values = values_at_hand(flow)

    def task_exception(
        self,
        exception: BaseException,
        step_name: str,
        flow: Flow,
        graph: Graph,
        retry_count: int,
        max_user_code_retries: int,
    ) -> None:
        frames = traceback.extract_tb(exception.__traceback__)
        # Metaflow's own frames say nothing about the user's mistake.
        while frames and f"{os.sep}metaflow{os.sep}" in frames[0].filename:
            frames.pop(0)
        lines = traceback.format_list(frames) + traceback.format_exception_only(exception)
        self._error = "Traceback (most recent call last):\n" + "".join(lines)

    def task_finished(
        self,
        step_name: str,
        flow: Flow,
        graph: Graph,
        is_task_ok: bool,
        retry_count: int,
        max_user_code_retries: int,
    ) -> None:
        result_file = os.environ.get(variables.RESULT)
        if not result_file or self._is_worker:
            return
        facts = {"error": self._error}
        # A task without an error that is not ok is about to end its process before its time.
        if is_task_ok or self._error is None:
            facts = task_result(
                flow, graph, step_name, self._datastore, bool(is_task_ok), self._values
            )
        with open(result_file, "w", encoding="utf-8") as file:
            json.dump({**facts, **self._frames}, file)
