"""What Dagster shows of a task's artifacts."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from .._metaflow_internals import artifact_infos

if TYPE_CHECKING:
    from .._metaflow_internals.types import TaskDatastore

_SHOWN_BYTES = 512  # of an artifact's pickle, up to which its value is shown
_PLAIN_TYPES = frozenset(["NoneType", "bool", "dict", "float", "int", "list", "str", "tuple"])
_CLASS = re.compile(r"<class '(.+)'>")  # here, so that no forked task compiles it
_EXACT_BELOW = 2**53  # JSON numbers are floats for a browser
# Dagster's log may be open to more people than the datastore is.
_PRIVATE_NAME = re.compile(r"(?i)passw|secret|token|credential|api_?key|private_?key")


def values_at_hand(flow: object) -> dict[str, Any]:
    """What a step has set, before Metaflow stores it and removes it from the flow (``persist`` in
    metaflow/datastore/task_datastore.py); only what may be small and plain.

    Args:
        flow: The flow object in the task, at the end of the step's code.
    """
    return {
        name: value
        for name, value in vars(flow).items()
        if not name.startswith("_")
        and _may_be_shown(f"{type(value).__module__}.{type(value).__qualname__}")
        and (not hasattr(value, "__len__") or len(value) <= _SHOWN_BYTES)
    }


def describe_artifacts(
    task: TaskDatastore,
    values: Mapping[str, Any] | None = None,
    hidden: Collection[str] | None = None,
) -> dict[str, list[Any]]:
    """By name: type, bytes of the pickle and, of a small artifact of plain data, the value.

    Args:
        task: A task that has its artifacts.
        values: The values that are at hand; None loads all that are shown.
        hidden: What is left out, as every task of a run has it; None is the flow's parameters and
            other values of its class.
    """
    if hidden is None:
        graph_info: dict[str, list[dict[str, str]]] = task.get("_graph_info") or {}
        of_class = [*graph_info.get("parameters", ()), *graph_info.get("constants", ())]
        hidden = {entry["name"] for entry in of_class}
    described: dict[str, list[Any]] = {}
    for name, info in sorted(artifact_infos(task).items()):
        if name.startswith("_") or name in hidden:
            continue
        found = _CLASS.fullmatch(str(info.get("type")))
        kind, size = found[1] if found else "object", info.get("size", 0)
        described[name] = [kind, size]
        if 0 < size <= _SHOWN_BYTES and _may_be_shown(kind):
            if values is None:
                described[name] += _shown(name, task[name])
            elif name in values:
                described[name] += _shown(name, values[name])
    if described.get("name", [])[2:] == [task.parent_datastore.flow_name]:
        del described["name"]  # Metaflow gives it to every task
    return described


def _may_be_shown(kind: str) -> bool:
    return kind.removeprefix("builtins.") in _PLAIN_TYPES or kind.startswith("numpy.")


def _shown(name: str, value: Any) -> list[Any]:
    """The value as JSON has it; nothing where it has no such form, or seems to be a secret."""
    if type(value).__module__ == "numpy" and getattr(value, "ndim", None) == 0:
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return [str(value)]
    if isinstance(value, int) and abs(value) >= _EXACT_BELOW:
        return [str(value)]
    if isinstance(value, (str, list, tuple, dict)) and _PRIVATE_NAME.search(name):
        return []
    try:
        return [json.loads(json.dumps(value, allow_nan=False))]
    except (TypeError, ValueError):
        return []
