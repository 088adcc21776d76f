"""The executor that runs each step in a thread of the run worker.

The op of a Metaflow step does little itself: it starts a process and waits. A thread is enough for
that, and costs neither a new interpreter nor another load of the definitions. All steps share the
run worker's resources, as under Dagster's in-process executor.
"""

import os
import queue
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, nullcontext
from typing import Any

from dagster import (
    DagsterEvent,
    DagsterExecutionInterruptedError,
    DagsterRunStatus,
    Executor,
    StepExecutionContext,
)

from .. import streams
from ..process_end import end_quickly
from ..warm import client as warm
from . import garbage
from ._dagster_internals import (
    ActiveExecution,
    EngineEventData,
    ExecuteRunWithPlanIterable,
    ExecutionPlan,
    ExecutionStep,
    InstanceConcurrencyContext,
    KnownExecutionState,
    PlanExecutionContext,
    PlanExecutionContextManager,
    RetryMode,
    StepDependencyConfig,
    dagster_event_sequence_for_step,
    own_event_loop,
    trigger_hooks,
)
from .backlog import Backlog
from .logs import StepLogs
from .outbox import OF_NO_CONSEQUENCE, Ended, Outbox
from .pooled_events import pool_connections
from .relays import Relays, UsedUp
from .shared_resources import share_resources
from .sqlite_events import keep_connection
from .stock import DEFAULT_MAX_CONCURRENT
from .telemetry import ask_for_storage_id_once

INTERRUPT_POLL = 0.2  # seconds between looks for an interrupt while all steps are busy


def retry_mode(retries: Mapping[str, Any]) -> RetryMode:
    """What a configuration says of retries, such as ``{"disabled": {}}``."""
    kind: Any = RetryMode  # what it gives has no type
    return kind.from_config(retries) or RetryMode.ENABLED


def create(config: dict[str, Any]) -> Executor:
    """The executor that its configuration in a run asks for (see ``stock.config_schema``)."""
    return ThreadExecutor(
        retries=retry_mode(config["retries"]),
        max_concurrent=config.get("max_concurrent") or DEFAULT_MAX_CONCURRENT,
        tag_concurrency_limits=config.get("tag_concurrency_limits"),
        step_dependency_config=StepDependencyConfig.from_config(
            config.get("step_dependency_config")
        ),
    )


class ThreadExecutor(Executor):
    """Runs steps in threads; takes the configuration of Dagster's multiprocess executor."""

    def __init__(
        self,
        retries: RetryMode,
        max_concurrent: int,
        tag_concurrency_limits: list[dict[str, Any]] | None = None,
        step_dependency_config: StepDependencyConfig | None = None,
    ) -> None:
        self._retries = retries
        self._max_concurrent = max_concurrent
        self._tag_concurrency_limits = tag_concurrency_limits
        self._dependencies = step_dependency_config or StepDependencyConfig.default()

    @property
    def retries(self) -> RetryMode:
        return self._retries

    @property
    def step_dependency_config(self) -> StepDependencyConfig:
        return self._dependencies

    def execute(self, plan_context: Any, execution_plan: ExecutionPlan) -> Iterator[DagsterEvent]:
        pid = os.getpid()
        end_quickly()
        yield DagsterEvent.engine_event(
            plan_context,
            f"Executing steps in up to {self._max_concurrent} threads (pid: {pid})",
            EngineEventData.in_process(pid, execution_plan.step_keys_to_execute),
        )
        started = time.monotonic()
        context_manager = PlanExecutionContextManager(
            job=plan_context.job,
            retry_mode=plan_context.retry_mode,
            execution_plan=execution_plan,
            run_config=plan_context.run_config,
            dagster_run=plan_context.dagster_run,
            instance=plan_context.instance,
            raise_on_error=plan_context.raise_on_error,
            output_capture=plan_context.output_capture,
            step_dependency_config=self._dependencies,
        )
        instance, run_id = plan_context.instance, plan_context.run_id
        with (
            garbage.spared(),
            warm.keep_warm(),
            keep_connection(instance, run_id),
            pool_connections(instance),
            ask_for_storage_id_once(instance),
        ):
            events = ExecuteRunWithPlanIterable(execution_plan, self._run_plan, context_manager)
            yield from _until_cancelled(events, plan_context)
        yield DagsterEvent.engine_event(
            plan_context,
            f"Finished steps in {time.monotonic() - started:.1f}s (pid: {pid})",
            EngineEventData.in_process(pid),
        )

    def _run_plan(
        self, job_context: PlanExecutionContext, execution_plan: ExecutionPlan
    ) -> Iterator[DagsterEvent]:
        with ExitStack() as stack:
            pools = stack.enter_context(
                InstanceConcurrencyContext(job_context.instance, job_context.dagster_run)
            )
            active = stack.enter_context(
                ActiveExecution(
                    execution_plan,
                    retry_mode=self._retries,
                    tag_concurrency_limits=self._tag_concurrency_limits,
                    instance_concurrency_context=pools,
                    step_dependency_config=self._dependencies,
                )
            )
            backlog = Backlog(active, execution_plan, bool(self._tag_concurrency_limits))
            share_resources(job_context)
            run = self.plan_run(job_context, execution_plan, active, backlog, self._max_concurrent)
            yield from stack.enter_context(run).run()

    def plan_run(self, *args: Any) -> AbstractContextManager["PlanRun"]:
        """What executes a plan; others run steps elsewhere."""
        return nullcontext(PlanRun(*args))


def _until_cancelled(events: Iterable[DagsterEvent], plan_context: Any) -> Iterator[DagsterEvent]:
    """The events of a run; a user's cancel ends them as failed steps do.

    Dagster then says in one line that the run was cancelled. Of an error it would show where that
    was raised here (``job_execution_iterator`` in dagster/_core/execution/api.py).
    """
    failed = False
    try:
        for event in events:
            failed |= event.is_step_failure
            yield event
    except DagsterExecutionInterruptedError:
        run = plan_context.instance.get_run_by_id(plan_context.run_id)
        is_cancelled = run is not None and run.status == DagsterRunStatus.CANCELING
        if not (failed and is_cancelled) or plan_context.raise_on_error:
            raise


_Message = DagsterEvent | Ended | UsedUp


class PlanRun:
    """One execution of a plan. Only `_run_step` runs in the threads of steps."""

    def __init__(
        self,
        context: PlanExecutionContext,
        plan: ExecutionPlan,
        active: ActiveExecution,
        backlog: Backlog,
        max_concurrent: int,
    ) -> None:
        self._context = context
        self._active = active
        self._backlog = backlog
        self._max_concurrent = max_concurrent
        self._running: set[str] = set()
        self._retries: dict[str, DagsterEvent] = {}
        self._messages: queue.SimpleQueue[Sequence[_Message]] = queue.SimpleQueue()
        self._stop = threading.Event()
        self._error: BaseException | None = None
        self._at_end = ExitStack()
        self._known_state: KnownExecutionState | None = None
        outputs = active.get_known_state().ready_outputs
        self._is_state_live = outputs is active.get_known_state().ready_outputs
        self._relays = Relays(active, plan, self._start_relay, self._post, self._stop.is_set)

    def run(self) -> Iterator[DagsterEvent]:
        """Run the plan to its end.

        Raises:
            DagsterExecutionInterruptedError: the run was interrupted, and its steps have ended.
            BaseException: what broke off a step's events, where the run asks for that.
        """
        workers = ThreadPoolExecutor(self._max_concurrent, thread_name_prefix="step")
        try:
            while (
                self._running
                or self._relays.running
                or not (self._stop.is_set() or self._is_complete())
            ):
                yield from self._look_for_interrupt()
                yield from self._start_steps(workers)
                yield from self._take_messages()
        finally:
            self._stop.set()
            workers.shutdown(wait=True)
            self._at_end.close()
        if self._error is not None:
            raise self._error

    def _is_complete(self) -> bool:
        # The steps of a map are not in the plan until Dagster is asked after the end of its source.
        return self._active.is_complete and not self._backlog.is_stale

    def _look_for_interrupt(self) -> Iterator[DagsterEvent]:
        if self._active.check_for_interrupts() and not self._stop.is_set():
            self._break_off(DagsterExecutionInterruptedError())
            yield DagsterEvent.engine_event(
                self._context,
                "Received a termination signal: stopping the running steps",
                EngineEventData.interrupted(sorted(self._running)),
            )

    def _break_off(self, error: BaseException) -> None:
        """Start no more steps, have the running ones end, then raise `error`."""
        self._stop.set()
        self._active.mark_interrupted()
        self._error = self._error or error

    def _start_steps(self, workers: ThreadPoolExecutor) -> Iterator[DagsterEvent]:
        if self._stop.is_set():
            return
        is_update = self._backlog.is_update_due()
        for step in self._backlog.take(self._max_concurrent - len(self._running), is_update):
            self._running.add(step.key)
            step_context = self._context.for_step(step, self._state())
            workers.submit(self._run_step, step_context)
        if is_update:
            yield from self._active.concurrency_event_iterator(self._context)
            skipped: list[DagsterEvent] = []
            for event in self._active.plan_events_iterator(self._context):
                self._backlog.is_stale = True  # what skips a step may make another one ready
                skipped.append(event)
                yield event
            for event in skipped:
                self._relays.handle(event)
            self._relays.look_for_abandoned()

    def _start_relay(self, step: ExecutionStep) -> None:
        """Run a step that mostly waits: beside the others, not in place of one."""
        context = self._context.for_step(step, self._state())
        threading.Thread(target=self._run_step_here, args=(context,), name="relay").start()

    def _post(self, message: _Message) -> None:
        self._messages.put([message])

    def _take_messages(self) -> Iterator[DagsterEvent]:
        """Wait for messages, then handle all there are, up to the end of a step."""
        timeout = self._patience()
        has_ended = False
        while not has_ended:
            try:
                messages = self._messages.get(block=bool(timeout), timeout=timeout)
            except queue.Empty:
                if timeout and self._is_stuck():
                    self._relays.give_up()
                return
            timeout = 0.0
            for message in messages:
                if isinstance(message, DagsterEvent):
                    yield message
                has_ended |= isinstance(message, Ended)
                self._take(message)

    def _take(self, message: _Message) -> None:
        if isinstance(message, UsedUp):
            self._relays.used_up(message)
        elif isinstance(message, Ended):
            self._end(message)
        elif message.event_type_value in OF_NO_CONSEQUENCE:
            return
        elif message.is_step_up_for_retry:
            # Not before its thread has ended: the step could start again at once, and the end
            # of the old attempt be taken for that of the new one.
            self._retries[str(message.step_key)] = message
        else:
            self._handle(message)

    def _is_stuck(self) -> bool:
        """Whether only relays run, and nothing is left that they could wait for."""
        return bool(
            self._relays.running
            and not self._running
            and self._relays.are_idle()
            and self._messages.empty()
            and not self._backlog.is_stale
            and not self._active.sleep_interval()
            and not self._backlog.has_limits
        )

    def _patience(self) -> float:
        """Seconds to wait for an event before something else may have to be done."""
        if not self._running and (
            self._stop.is_set() or self._backlog.is_stale or self._active.is_complete
        ):
            return 0.0
        return self._backlog.seconds_to_update(INTERRUPT_POLL)

    def _handle(self, event: DagsterEvent) -> None:
        """Tell ActiveExecution, and follow what that changes in it."""
        self._active.handle_event(event)
        if self._relays.handle(event):
            self._backlog.is_stale = True
        if event.is_step_up_for_retry:
            self._known_state = None
        elif event.is_step_success:
            outputs = self._active.get_step_by_key(str(event.step_key)).step_outputs
            if any(output.is_dynamic for output in outputs):
                self._known_state = None
        elif event.is_successful_output:
            # With `require_upstream_step_success: false`, an output is enough.
            self._backlog.is_stale = True

    def _state(self) -> KnownExecutionState:
        """What steps have to know of others: outputs, dynamic mappings and retries so far.

        Making it takes time in proportion to the steps so far, so it is made anew only after a
        change of mappings or retries; ActiveExecution keeps adding to its set of outputs.
        """
        if self._known_state is None or not self._is_state_live:
            self._known_state = self._active.get_known_state()
        return self._known_state

    def _end(self, ended: Ended) -> None:
        self._running.discard(ended.step_key)
        self._relays.running.discard(ended.step_key)
        if retry := self._retries.pop(ended.step_key, None):
            self._handle(retry)
        self._active.verify_complete(self._context, ended.step_key)
        self._backlog.is_stale = True
        if ended.error is not None:
            self._break_off(ended.error)

    def _run_step(self, context: StepExecutionContext) -> None:
        """Run a step and pass its events on to the main thread; called in the step's thread."""
        self._run_step_here(context)

    def _run_step_here(self, context: StepExecutionContext) -> None:
        outbox = Outbox(self._messages.put)
        error: BaseException | None = None
        logs = StepLogs(self._context, context.step.key, outbox.put)
        try:
            at_end = self._at_end.callback
            step = streams.running_step(logs.open, self._stop.is_set, at_end)
            with step, own_event_loop(context):
                hooks = context.job_def.get_all_hooks_for_handle(context.node_handle)
                events: list[DagsterEvent] = []
                for event in dagster_event_sequence_for_step(context):
                    outbox.put(event)
                    if hooks:
                        events.append(event)
                if hooks:
                    outbox.flush()  # other steps need not wait for the hooks of this one
                    for event in trigger_hooks(context, events):
                        outbox.put(event)
        except BaseException as exception:
            error = exception
        logs.close()
        outbox.end(context.step.key, error)
