"""Names: Metaflow run and task ids, and the scope of a foreach item."""

from typing import Any

from dagster import DagsterRun, OpExecutionContext

from ..contract import _make_run_id, _make_task_id, _reexecution_suffix, item_of


def _continues_parent(run: DagsterRun) -> bool:
    """Whether a Dagster run re-executes some steps of another one, and so continues its
    Metaflow run; one that re-executes all of them is a run of its own."""
    return bool(run.parent_run_id and run.step_keys_to_execute)


def _metaflow_run_of(run: DagsterRun) -> str:
    """The Metaflow run of a Dagster run; re-executing some steps continues the parent's."""
    if run.parent_run_id and _continues_parent(run):
        return run.tags.get("metaflow/run_id") or _make_run_id(run.parent_run_id)
    return _make_run_id(run.run_id)


def _metaflow_run_id(context: OpExecutionContext) -> str:
    """The Metaflow run of this op's run, which the run is tagged with."""
    first = context.run
    while first.parent_run_id and _continues_parent(first):
        parent = context.instance.get_run_by_id(first.parent_run_id)
        if parent is None:
            break
        first = parent
    run_id = _metaflow_run_of(first)
    _tag_run(context, run_id)
    return run_id


def _tag_run(context: OpExecutionContext, run_id: str) -> None:
    """Note on the Dagster run which run of Metaflow it is."""
    if context.run.tags.get("metaflow/run_id") != run_id:
        context.instance.add_run_tags(context.run.run_id, {"metaflow/run_id": run_id})


def _item(context: OpExecutionContext) -> tuple[int, ...]:
    """The foreach indices of this op's task, outermost first; () outside of any foreach."""
    key = context.get_mapping_key()
    return tuple(int(index) for index in key.split("_")) if key else ()


def _task_id(context: OpExecutionContext, step_name: str) -> str:
    """The Metaflow task id of this op's task."""
    return _make_task_id(step_name, _item(context)) + _run_suffix(context.run)


def _run_suffix(run: DagsterRun) -> str:
    """What a run that re-executes some steps of another adds to task ids, so that it writes over
    no earlier task."""
    return _reexecution_suffix(run.run_id) if _continues_parent(run) else ""


def _scope(value: Any) -> tuple[int, ...]:
    """The foreach indices of what an op handed on: a task's path, or that with its split."""
    return item_of(value["task"] if isinstance(value, dict) else value)


def _mapping_key(scope: tuple[int, ...]) -> str:
    return "_".join(map(str, scope))


def _flat(values: list[Any]) -> list[Any]:
    """Lists of lists, as branches of different streams leave them, as one list."""
    return [
        v
        for value in values
        for v in (_flat(value) if isinstance(value, list) else [value])
    ]


def _input_order(paths: list[Any]) -> list[str]:
    """Join inputs as Metaflow orders them: by split index, then by step."""
    return sorted(_flat(paths), key=lambda path: (_scope(path), path.split("/")[1]))
