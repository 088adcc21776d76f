"""Dynamic outputs, and the plumbing ops that re-emit task paths."""

from collections.abc import Iterator
from typing import Any

from dagster import DynamicOutput, OpExecutionContext

from .identity import _flat, _input_order, _item, _mapping_key, _scope
from .task import _add_step_metadata, _StepResult


def _split_outputs(
    context: OpExecutionContext, task: _StepResult
) -> Iterator[DynamicOutput[str]]:
    """One dynamic output for each split of a foreach step; the first one shows the task."""
    keys = [_mapping_key((*_item(context), index)) for index in range(task.splits)]
    _add_step_metadata(context, task, mapping_key=keys[0])
    for key in keys:
        yield DynamicOutput(task.path, mapping_key=key)


def _fan_out(tasks: list[Any]) -> Iterator[DynamicOutput[str]]:
    """One dynamic output for each split of each item of a nested foreach."""
    for task in _flat(tasks):
        for index in range(task["splits"]):
            key = _mapping_key((*_scope(task), index))
            yield DynamicOutput(task["task"], mapping_key=key)


def _grouped(
    values: list[Any], drop: int = 0
) -> list[tuple[tuple[int, ...], list[Any]]]:
    """Values by item, in the order of the items; `drop` innermost indices are left out."""
    groups: dict[tuple[int, ...], list[Any]] = {}
    for value in values:
        scope = _scope(value)
        groups.setdefault(scope[: len(scope) - drop], []).append(value)
    return sorted(groups.items())


def _merge_items(values: list[Any]) -> Iterator[DynamicOutput[Any]]:
    """Per item, the value of the one branch that ran."""
    for scope, (value,) in _grouped(_flat(values)):
        yield DynamicOutput(value, mapping_key=_mapping_key(scope))


def _join_items(values: list[Any], drop: int) -> Iterator[DynamicOutput[list[str]]]:
    """Per item, the paths that its join takes; `drop` is 1 for the join of a foreach."""
    for scope, paths in _grouped(_flat(values), drop):
        yield DynamicOutput(_input_order(paths), mapping_key=_mapping_key(scope))
