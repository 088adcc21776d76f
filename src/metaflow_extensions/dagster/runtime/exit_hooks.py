"""`@exit_hook`: functions of the flow that run once when a run has ended.

The process that runs a job calls them when the last step has ended. Where that process died, a
sensor starts a job of their own. A tag of the run that Dagster's UI hides says that it is done.
"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from dagster import (
    DagsterEvent,
    DagsterEventType,
    DagsterRun,
    DagsterRunStatus,
    Executor,
    ExecutorDefinition,
    Failure,
    OpExecutionContext,
    RunRequest,
    SensorEvaluationContext,
    SensorResult,
)

from .driver import _driver
from .flow import _Flow
from .identity import _metaflow_run_of
from .sensors import (
    _flow_of,
    _hidden,
    _new_records,
    _ran_to_end,
    _read_cursor,
    _runs_of,
    _status_changes,
    _tick,
)

_HOOKS_DONE = ".dagster/metaflow_exit_hooks"
_HOOKS_OF = "metaflow/exit_hooks_of"


def _with_exit_hooks(flow: _Flow, inner: ExecutorDefinition) -> ExecutorDefinition:
    """An executor that calls the flow's exit hooks when a run's steps have ended."""

    def create(init_context: Any) -> Executor:
        create_inner = inner.executor_creation_fn
        assert create_inner is not None
        # Still the same object: an executor may ask for more of itself than Executor has.
        executor: Any = create_inner(init_context)
        executor.execute = partial(_execute_with_exit_hooks, flow, executor.execute)
        return executor

    return ExecutorDefinition(
        name=inner.name,
        config_schema=inner.config_schema,  # pyright: ignore[reportArgumentType]
        requirements=inner.get_requirements,
        executor_creation_fn=create,
        description=inner.description,
    )


def _execute_with_exit_hooks(
    flow: _Flow,
    execute: Callable[..., Iterator[DagsterEvent]],
    plan_context: Any,
    execution_plan: Any,
) -> Iterator[DagsterEvent]:
    """Run what an executor runs, then the exit hooks."""
    failed = True
    try:
        failures = 0
        for event in execute(plan_context, execution_plan):
            failures += event.is_step_failure
            yield event
        failed = failures > 0
    finally:
        run = plan_context.dagster_run
        if failed or _ran_to_end(run):
            # First, so that hooks which end this process are not called again.
            tags = {_HOOKS_DONE: run.run_id}
            plan_context.instance.add_run_tags(run.run_id, tags)
            _call_exit_hooks(flow, run, not failed, plan_context.log.info)


def _call_exit_hooks(
    flow: _Flow, run: DagsterRun, succeeded: bool, report: Callable[[str], None]
) -> None:
    """Call each hook in a process of its own; one that fails is reported and no more."""
    names = flow.exit_hooks_on_success if succeeded else flow.exit_hooks_on_error
    _driver(flow).call_exit_hooks(flow, names, _metaflow_run_of(run), report)


def _missed_exit_hooks(
    flow: _Flow, context: SensorEvaluationContext, job_name: str, name: str
) -> SensorResult:
    """Start the hooks' own job for each run that ended without calling them.

    Args:
        job_name: The flow's job.
        name: `Flow` or `project.branch.Flow`: another code location may have a job of the same
            name.
    """
    state = _read_cursor(context, ())
    ends = (
        DagsterEventType.RUN_SUCCESS,
        DagsterEventType.RUN_FAILURE,
        DagsterEventType.RUN_CANCELED,
    )
    sources = {end.value: _status_changes(context, end) for end in ends}
    records = _new_records(flow, sources, state["after"])
    runs = _runs_of(context, records)
    requests: list[RunRequest] = []
    for run_id in dict.fromkeys(record.run_id for _, record in records):
        run = runs.get(run_id)
        if (
            run is not None
            and run.job_name == job_name
            and _flow_of(run) == name
            and _hidden(run, "exit_hooks") != run_id
            and (run.status != DagsterRunStatus.SUCCESS or _ran_to_end(run))
        ):
            requests.append(RunRequest(run_key=run_id, tags={_HOOKS_OF: run_id}))
    return _tick(requests, state, "Every run that ended has called its exit hooks.")


def _call_missed_exit_hooks(flow: _Flow, context: OpExecutionContext) -> None:
    """Call the hooks of the run that the sensor names in this run's tags."""
    run_id = context.run.tags.get(_HOOKS_OF)
    run = context.instance.get_run_by_id(run_id) if run_id else None
    if run is None:
        raise Failure(f"Started by its sensor only, with the tag {_HOOKS_OF}.")
    if _hidden(run, "exit_hooks") == run.run_id:
        context.log.info("The exit hooks of this run were called already.")
        return
    context.instance.add_run_tags(run.run_id, {_HOOKS_DONE: run.run_id})
    succeeded = run.status == DagsterRunStatus.SUCCESS
    _call_exit_hooks(flow, run, succeeded, context.log.info)
