"""Helper ops, which run no task and re-emit task paths as dynamic outputs."""

from collections.abc import Iterable, Iterator
from typing import Any

from dagster import DynamicOutput

from .identity import _flat, _input_order, _mapping_key, _scope


def _fan_out(tasks: list[Any]) -> Iterator[DynamicOutput[str]]:
    """One dynamic output for each split of each item of a nested foreach."""
    for task in _arriving(tasks):
        for index in range(task["splits"]):
            key = _mapping_key((*_scope(task), index))
            yield DynamicOutput(task["task"], mapping_key=key)


def _arriving(values: list[Any]) -> Iterable[Any]:
    """Values one by one; metaflow-dagster's executor hands them on as they come."""
    early = getattr(values, "arriving", None)
    return early() if early else sorted(_flat(values), key=_scope)


def _grouped(values: list[Any], drop: int) -> Iterable[list[Any]]:
    """Values by item; `drop` innermost indices are left out."""
    if early := getattr(values, "groups", None):
        return early()
    groups: dict[tuple[int, ...], list[Any]] = {}
    for value in _flat(values):
        scope = _scope(value)
        groups.setdefault(scope[: len(scope) - drop], []).append(value)
    return [groups[scope] for scope in sorted(groups)]


def _merge_items(values: list[Any]) -> Iterator[DynamicOutput[Any]]:
    """Per item, the value of the one branch that ran."""
    for value in _arriving(values):
        yield DynamicOutput(value, mapping_key=_mapping_key(_scope(value)))


def _join_items(values: list[Any], drop: int) -> Iterator[DynamicOutput[list[str]]]:
    """Per item, the paths that its join takes; `drop` is 1 for the join of a foreach."""
    for group in _grouped(values, drop):
        paths = _input_order(group)
        scope = _scope(paths[0])
        key = _mapping_key(scope[: len(scope) - drop])
        yield DynamicOutput(paths, mapping_key=key)
