"""A recursive switch: a step that runs again and again until it goes another way."""

from typing import Any

from dagster import OpExecutionContext

from .flow import _Flow
from .resume import _last_round
from .task import _run_task


def _run_loop(
    flow: _Flow,
    context: OpExecutionContext,
    step_name: str,
    inputs: str | list[str],
    **options: Any,
) -> Any:
    """Run a recursive switch: every round is a task of its own that takes the one before."""
    iteration = 0
    if last := _last_round(flow, context, step_name, inputs):
        iteration, inputs = last[0] + 1, last[1]
        options["split_item"] = False
    while True:
        task = _run_task(
            flow, context, step_name, inputs, iteration=iteration, **options
        )
        if task.next_steps != [step_name]:
            return task
        inputs, iteration = task.path, iteration + 1
        # A first round is a split of the foreach around it; the next ones follow a task.
        options["split_item"] = False
