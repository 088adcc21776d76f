"""What ops do: run a step's task, show what came of it, and hand on where that is."""

from collections.abc import Iterator
from typing import Any

from dagster import DynamicOutput, OpExecutionContext, Output

from .driver import _driver
from .flow import _Flow
from .identity import _item, _mapping_key
from .task import _run_task


def _run_step(
    flow: _Flow,
    context: OpExecutionContext,
    step_name: str,
    inputs: str | list[str],
    **options: Any,
) -> str:
    """Run a step's task, and hand on its path. `options` are those of `_run_task`."""
    return _hand_on(
        flow, context, _run_task(flow, context, step_name, inputs, **options)
    )


def _add_step_metadata(
    flow: _Flow,
    context: OpExecutionContext,
    task: Any,
    output_name: str | None = None,
    mapping_key: str | None = None,
) -> None:
    """Show the task's artifacts, and how to get them, on the op's output."""
    metadata = _driver(flow).shown(flow, task)
    context.add_output_metadata(metadata, output_name, mapping_key)


def _hand_on(flow: _Flow, context: OpExecutionContext, task: Any) -> str:
    """The path of a task, for the step that follows."""
    _add_step_metadata(flow, context, task)
    return task.path


def _split_outputs(
    flow: _Flow, context: OpExecutionContext, task: Any
) -> Iterator[DynamicOutput[str]]:
    """One dynamic output for each split of a foreach step; the first one shows the task."""
    keys = [_mapping_key((*_item(context), index)) for index in range(task.splits)]
    _add_step_metadata(flow, context, task, mapping_key=keys[0])
    for key in keys:
        yield DynamicOutput(task.path, mapping_key=key)


def _splits(flow: _Flow, context: OpExecutionContext, task: Any) -> dict[str, Any]:
    """A task that opens a foreach in another one; a helper op makes outputs of its splits."""
    return {"task": _hand_on(flow, context, task), "splits": task.splits}


def _gang(flow: _Flow, context: OpExecutionContext, task: Any) -> list[str]:
    """The paths of all tasks of a gang, of which this one is the first."""
    _add_step_metadata(flow, context, task)
    return task.gang


def _chosen(flow: _Flow, context: OpExecutionContext, task: Any) -> Output[str]:
    """The output of the branch that a switch chose; the other branches are skipped."""
    (name,) = task.next_steps
    outputs = context.op_def.output_dict
    # Outputs are named like the steps that they lead to. A name that Dagster reserves got
    # underscores, more than any step that is named like it.
    alike = [output for output in outputs if output.rstrip("_") == name]
    output_name = name if name in outputs else max(alike, key=len)
    _add_step_metadata(flow, context, task, output_name)
    return Output(task.path, output_name)
