"""Every private part of Dagster that the thread executor needs, and a check of its shape.

Executors are public (`dagster.Executor`, `@dagster.executor`), but what they are made of is not:
Dagster's own are the only examples. These parts kept their shape from 1.5 to 1.13. An ImportError
or AttributeError from here makes the package fall back to Dagster's multiprocess executor.

| part | why |
| --- | --- |
| ActiveExecution | the state of a running plan: what may run, is skipped, waits for a retry |
| ExecutionPlan, KnownExecutionState | the plan, and what is known of steps of earlier runs |
| InstanceConcurrencyContext | claims and frees the slots of pools |
| ExecutionStep, UnresolvedMappedExecutionStep, | steps that start early, see relays |
| UnresolvedCollectExecutionStep, StepInput, | |
| StepInputSource, FromStepOutput, StepOutputHandle | |
| ExecuteRunWithPlanIterable, PlanExecutionContextManager, | resources, logging, interrupts, |
| PlanExecutionContext | and what of these a step is given |
| dagster_event_sequence_for_step | runs a step: inputs, op, outputs, failures and retries |
| create_execution_plan, execute_plan | run a step in another process |
| _trigger_hook | runs the success and failure hooks of a step |
| StepExecutionContext.event_loop | asynchronous ops in threads, see own_event_loop |
| RetryMode, StepDependencyConfig | what the configuration of an executor means |
| ComputeIOType, create_compute_log_file_key, CapturedLogContext, | the logs of a step, |
| ComputeLogManager, CloudStorageComputeLogManager, | wherever they are kept |
| LocalComputeLogManager | |
| SqliteEventLogStorage, SqlEventLogStorageTable | its connection is kept, see sqlite_events |
| ScopedResourcesBuilder, Resources, | what steps read their resources from, |
| IAttachDifferentObjectToOpContext | see shared_resources |
| SqlEventLogStorageMetadata | the tables of a run's database, see run_database |
| DagsterUserCodeProcessError, SerializableErrorInfo | errors of one line, without a stack |
| EngineEventData, serializable_error_info_from_exc_info | messages about the executor itself |
| PRIORITY_TAG, GLOBAL_CONCURRENCY_TAG | the order of steps, and pools set by tag |
"""

import asyncio
import inspect
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any

from dagster import DagsterEvent, StepExecutionContext
from dagster._config.pythonic_config import IAttachDifferentObjectToOpContext
from dagster._core.definitions.scoped_resources_builder import Resources, ScopedResourcesBuilder
from dagster._core.errors import DagsterUserCodeProcessError
from dagster._core.events import EngineEventData
from dagster._core.execution.api import (
    ExecuteRunWithPlanIterable,
    create_execution_plan,
    execute_plan,
)
from dagster._core.execution.compute_logs import create_compute_log_file_key
from dagster._core.execution.context.system import PlanExecutionContext
from dagster._core.execution.context_creation_job import PlanExecutionContextManager
from dagster._core.execution.plan.active import ActiveExecution
from dagster._core.execution.plan.execute_plan import (
    _trigger_hook as trigger_hooks,
)
from dagster._core.execution.plan.execute_plan import (
    dagster_event_sequence_for_step,
)
from dagster._core.execution.plan.inputs import FromStepOutput, StepInput, StepInputSource
from dagster._core.execution.plan.instance_concurrency_context import InstanceConcurrencyContext
from dagster._core.execution.plan.outputs import StepOutputHandle
from dagster._core.execution.plan.plan import ExecutionPlan
from dagster._core.execution.plan.state import KnownExecutionState
from dagster._core.execution.plan.step import (
    ExecutionStep,
    UnresolvedCollectExecutionStep,
    UnresolvedMappedExecutionStep,
)
from dagster._core.execution.retries import RetryMode
from dagster._core.execution.step_dependency_config import StepDependencyConfig
from dagster._core.storage.cloud_storage_compute_log_manager import CloudStorageComputeLogManager
from dagster._core.storage.compute_log_manager import (
    CapturedLogContext,
    ComputeIOType,
    ComputeLogManager,
)
from dagster._core.storage.event_log.schema import (
    SqlEventLogStorageMetadata,
    SqlEventLogStorageTable,
)
from dagster._core.storage.event_log.sqlite import SqliteEventLogStorage
from dagster._core.storage.local_compute_log_manager import LocalComputeLogManager
from dagster._core.storage.tags import GLOBAL_CONCURRENCY_TAG, PRIORITY_TAG
from dagster._utils.error import SerializableErrorInfo, serializable_error_info_from_exc_info

__all__ = [
    "GLOBAL_CONCURRENCY_TAG",
    "PRIORITY_TAG",
    "ActiveExecution",
    "CapturedLogContext",
    "CloudStorageComputeLogManager",
    "ComputeIOType",
    "ComputeLogManager",
    "EngineEventData",
    "ExecuteRunWithPlanIterable",
    "ExecutionPlan",
    "ExecutionStep",
    "FromStepOutput",
    "IAttachDifferentObjectToOpContext",
    "InstanceConcurrencyContext",
    "KnownExecutionState",
    "LocalComputeLogManager",
    "PlanExecutionContext",
    "PlanExecutionContextManager",
    "Resources",
    "RetryMode",
    "ScopedResourcesBuilder",
    "SqlEventLogStorageMetadata",
    "SqlEventLogStorageTable",
    "SqliteEventLogStorage",
    "StepDependencyConfig",
    "StepInput",
    "StepInputSource",
    "StepOutputHandle",
    "UnresolvedCollectExecutionStep",
    "UnresolvedMappedExecutionStep",
    "create_compute_log_file_key",
    "create_execution_plan",
    "dagster_event_sequence_for_step",
    "error_of_one_line",
    "execute_plan",
    "own_event_loop",
    "serializable_error_info_from_exc_info",
    "trigger_hooks",
]

# The parameters that we pass, by name or in this order.
_SHAPES: dict[Callable[..., Any], tuple[str, ...]] = {
    ActiveExecution.__init__: (
        "execution_plan",
        "retry_mode",
        "max_concurrent",
        "tag_concurrency_limits",
        "instance_concurrency_context",
        "step_dependency_config",
    ),
    ActiveExecution.get_steps_to_execute: ("limit",),
    ActiveExecution.handle_event: ("dagster_event",),
    ActiveExecution.plan_events_iterator: ("job_context",),
    ActiveExecution.concurrency_event_iterator: ("plan_context",),
    ActiveExecution.verify_complete: ("job_context", "step_key"),
    ActiveExecution.check_for_interrupts: (),
    ActiveExecution.mark_interrupted: (),
    ActiveExecution.get_known_state: (),
    ActiveExecution.sleep_interval: (),
    ActiveExecution._prep_for_dynamic_outputs: ("step",),
    InstanceConcurrencyContext.__init__: ("instance", "dagster_run"),
    ExecutionStep.__new__: (
        "handle",
        "job_name",
        "step_inputs",
        "step_outputs",
        "tags",
        "pool",
    ),
    UnresolvedMappedExecutionStep.resolve: ("mappings",),
    ExecuteRunWithPlanIterable.__init__: (
        "execution_plan",
        "iterator",
        "execution_context_manager",
    ),
    PlanExecutionContextManager.__init__: (
        "job",
        "execution_plan",
        "run_config",
        "dagster_run",
        "instance",
        "retry_mode",
        "raise_on_error",
        "output_capture",
        "step_dependency_config",
    ),
    PlanExecutionContext.for_step: ("step", "known_state"),
    dagster_event_sequence_for_step: ("step_context",),
    create_execution_plan: ("job", "run_config", "step_keys_to_execute", "known_state"),
    execute_plan: ("execution_plan", "job", "instance", "dagster_run", "run_config", "retry_mode"),
    trigger_hooks: ("step_context", "step_event_list"),
    DagsterEvent.capture_logs: ("job_context", "step_keys", "log_key", "log_context"),
    DagsterEvent.engine_event: ("plan_context", "message", "event_specific_data"),
    ComputeLogManager.open_log_stream: ("log_key", "io_type"),
}


# Attributes that `relays` reads and changes.
_ACTIVE_PARTS = (
    "_pending",
    "_executable",
    "_pending_skip",
    "_pending_abandon",
    "_in_flight",
    "_success",
    "_skipped",
    "_failed",
    "_abandoned",
    "_step_outputs",
    "_gathering_dynamic_outputs",
)
_PLAN_PARTS = ("step_dict", "step_dict_by_key", "executable_map", "step_handles_to_execute")


@contextmanager
def own_event_loop(context: StepExecutionContext) -> Generator[None, None, None]:
    """Give an asynchronous op a loop of its own: one loop cannot run in two threads at a time."""
    function: Any = getattr(context.op_def.compute_fn, "decorated_fn", None)
    if not inspect.iscoroutinefunction(function) and not inspect.isasyncgenfunction(function):
        yield
        return
    loop = context._event_loop = asyncio.new_event_loop()
    try:
        yield
    finally:
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()


def _check_shapes() -> None:
    for function, expected in _SHAPES.items():
        names = inspect.signature(function).parameters
        missing = [name for name in expected if name not in names]
        if missing:
            raise ImportError(f"{function.__qualname__} of this Dagster has no {missing}")
    set_by_init = ActiveExecution.__init__.__code__.co_names
    missing = [name for name in _ACTIVE_PARTS if name not in set_by_init]
    missing += [name for name in _PLAN_PARTS if not hasattr(ExecutionPlan, name)]
    if missing:
        raise ImportError(f"plans of this Dagster have no {missing}")


_check_shapes()


def error_of_one_line(text: str) -> Exception:
    """An error that Dagster shows as this text alone.

    Of an error from another process Dagster shows what that process said, not where it was raised
    here (``serializable_error_info_from_exc_info``).
    """
    return DagsterUserCodeProcessError.from_error_info(
        SerializableErrorInfo(message=text + "\n", stack=[], cls_name=None)
    )
