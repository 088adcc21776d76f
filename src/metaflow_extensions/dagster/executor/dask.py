"""An executor that runs each step on a worker of a Dask cluster.

``dagster_dask.dask_executor`` submits the steps of a plan when a run starts. It leaves out those
that turn up later (a foreach: the run even succeeds without them), has none retried, and fails at
branches that were not taken. Here the run worker keeps the plan as in :mod:`threads`, and each of
its threads hands one step to Dask and waits. Workers need what a run worker needs: Dagster's
instance, the definitions file and this package.

Dask gives a step to another worker when one dies (``distributed.scheduler.allowed-failures``), so a
step may begin more than once; it does so as the same attempt of the same task.
"""

import contextlib
import json
import threading
import time
from collections.abc import Callable, Generator
from importlib import import_module
from typing import Any, Protocol

from dagster import (
    DagsterEvent,
    DagsterInstance,
    Executor,
    ExecutorDefinition,
    Field,
    InitExecutorContext,
    Int,
    Permissive,
    Selector,
    StepExecutionContext,
    StringSource,
    executor,
    multiple_process_executor_requirements,
)

from .. import streams
from ._dagster_internals import (
    KnownExecutionState,
    RetryMode,
    StepDependencyConfig,
    create_execution_plan,
    execute_plan,
)
from .outbox import Outbox
from .stock import config_schema
from .threads import PlanRun, ThreadExecutor, retry_mode

_dask: Any = import_module("distributed")  # typed by what is used of it: not everybody has it

DEFAULT_MAX_CONCURRENT = 100  # each costs the run worker a waiting thread; the rest is Dask's
RESOURCES_TAG = "dagster-dask/resource_requirements"  # as dagster_dask has it
STOP_POLL = 2.0  # seconds between a worker's looks for the end of its run

_CLUSTER: Any = Selector(
    {
        "existing": Field({"address": StringSource}, description="Address of the scheduler."),
        "local": Field(Permissive(), description="Arguments of distributed.LocalCluster."),
    }
)
# Dagster redirects the output of the whole process while a step runs.
_one_at_a_time = threading.Lock()


def _create(context: InitExecutorContext) -> Executor:
    config: Any = context.executor_config
    return DaskStepExecutor(
        config["cluster"],
        retries=retry_mode(config["retries"]),
        max_concurrent=config["max_concurrent"],
        tag_concurrency_limits=config.get("tag_concurrency_limits"),
        step_dependency_config=StepDependencyConfig.from_config(
            config.get("step_dependency_config")
        ),
    )


class _Future(Protocol):
    """``distributed.Future`` of a step's events."""

    def result(self, timeout: float) -> list[DagsterEvent]: ...
    def cancel(self) -> None: ...
    def release(self) -> None: ...


class _Client(Protocol):
    """``distributed.Client``."""

    def submit(
        self,
        function: Callable[..., list[DagsterEvent]],
        *args: object,
        key: str,
        resources: dict[str, float],
    ) -> _Future: ...


class DaskStepExecutor(ThreadExecutor):
    """Runs steps on the workers of one Dask cluster."""

    def __init__(self, cluster: dict[str, Any], **options: Any) -> None:
        super().__init__(**options)
        self._cluster = cluster

    @contextlib.contextmanager
    def plan_run(self, *args: Any) -> Generator[PlanRun]:
        with contextlib.ExitStack() as stack:
            if "existing" in self._cluster:
                cluster: Any = self._cluster["existing"]["address"]
            else:
                options = {"threads_per_worker": 1, **self._cluster["local"]}
                cluster = stack.enter_context(_dask.LocalCluster(**options))
            yield _DaskPlanRun(stack.enter_context(_dask.Client(cluster)), *args)


class _DaskPlanRun(PlanRun):
    """Its threads do not run steps, but wait for Dask to do it."""

    def __init__(self, client: _Client, *args: Any) -> None:
        super().__init__(*args)
        self._client = client

    def _state(self) -> KnownExecutionState:
        # Pickled in another thread while the live one may change.
        state = self._active.get_known_state()
        mappings = {**state.dynamic_mappings, **self._relays.mappings()}
        return state._replace(
            ready_outputs=set(state.ready_outputs or ()), dynamic_mappings=mappings
        )

    def _run_step(self, context: StepExecutionContext) -> None:
        outbox = Outbox(self._messages.put)
        error: BaseException | None = None
        try:
            for event in self._result(context):
                outbox.put(event)
        except BaseException as exception:
            error = exception
        outbox.end(context.step.key, error)

    def _result(self, context: StepExecutionContext) -> list[DagsterEvent]:
        stop = f"metaflow-dagster-stop-{context.run_id}"
        future = self._client.submit(
            _run_on_worker,
            self._context.job,
            context.run_id,
            context.step.key,
            context.instance.get_ref(),
            context.get_known_state(),
            stop,
            # Of this attempt only: Dask gives what it has under a key to whoever asks for it.
            key=f"{context.step.key}-{context.previous_attempt_count}-{context.run_id}",
            resources=json.loads(context.step.tags.get(RESOURCES_TAG, "{}")),
        )
        try:
            while True:
                try:
                    return future.result(timeout=0.2)
                except _dask.TimeoutError:
                    if self._stop.is_set():
                        break
            # What has not begun never will; what has is waited for.
            _dask.Event(stop, client=self._client).set()
            with contextlib.suppress(_dask.TimeoutError):
                return future.result(timeout=30)
            future.cancel()
            return []
        finally:
            # What somebody may still ask for is computed anew when the worker that has it dies.
            future.release()


def _run_on_worker(
    job: Any, run_id: str, step_key: str, instance_ref: Any, known_state: Any, stop: str
) -> list[DagsterEvent]:
    """Run one step in this worker's thread. Returns its events, which are in the log already."""
    with _one_at_a_time, DagsterInstance.from_ref(instance_ref) as instance:
        run = instance.get_run_by_id(run_id)
        if run is None:
            raise RuntimeError(f"Dagster's instance on this worker has no run {run_id}.")
        if _dask.Event(stop).is_set():
            return []
        with streams.running_step(lambda: None, _now_and_then(_dask.Event(stop).is_set)):
            plan = create_execution_plan(
                job, run.run_config, step_keys_to_execute=[step_key], known_state=known_state
            )
            events = execute_plan(
                plan, job, instance, run, run_config=run.run_config, retry_mode=RetryMode.DEFERRED
            )
        return list(events)


def _now_and_then(ask: Callable[[], Any]) -> Callable[[], bool]:
    """A function that asks every STOP_POLL seconds only, as asking goes over the network."""
    last, answer = time.monotonic(), False

    def asked() -> bool:
        nonlocal last, answer
        if time.monotonic() - last > STOP_POLL:
            last, answer = time.monotonic(), bool(ask())
        return answer

    return asked


dask_executor: ExecutorDefinition = executor(
    name="metaflow_dask",
    config_schema={
        **config_schema(),
        "cluster": Field(_CLUSTER),
        "max_concurrent": Field(
            Int,
            default_value=DEFAULT_MAX_CONCURRENT,
            description="How many steps of a run Dask may have at a time.",
        ),
    },
    requirements=multiple_process_executor_requirements(),
)(_create)
"""Runs the steps of a generated file on a Dask cluster, also those that turn up during a run. Needs
the extra ``dask``. Configured with ``cluster`` (``{"existing": {"address": "tcp://..."}}`` or
``{"local": {...}}``), ``max_concurrent`` (steps of a run that Dask has at a time), ``retries`` and
``tag_concurrency_limits``."""
