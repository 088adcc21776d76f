"""What the task of a foreach is for, told before it runs: from the task before it.

Dagster's key of its step has the number of the item only: a mapping key takes letters, digits and
underscores, and it has to stay what it is where a run is executed again.
"""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock
from typing import Any

from ..contract import item_label, item_of
from .datastore import task_datastore
from .flow import Flow
from .patience import patient
from .result import TaskResult

_Facts = tuple[list[Any], list[Any]]  # what a task is for, and what each split that it opens is for

_KEPT = 2000  # tasks whose facts are kept; those of others are read where they are needed
_known: OrderedDict[tuple[str, str], _Facts] = OrderedDict()  # by flow and path; last used last
_lock = Lock()


def remember(flow: Flow, task: TaskResult) -> None:
    """Keep what a task of this process says, so that those after it need not ask the datastore."""
    _keep((flow.flow_name, task.path), (task.frames, task.items))


def item_ahead(flow: Flow, path: str, before: str, split_index: str | None) -> str | None:
    """The item of a task that is about to run, such as ``eu / region-03``.

    Args:
        flow: Its flow.
        path: Of the task.
        before: The path of the first task that it takes.
        split_index: Which split of that task it is, if it is one.
    """
    indices = item_of(path)
    if not indices:
        return None
    try:
        frames, items = _facts(flow, before)
    except Exception:  # no run fails for want of a label
        return None
    frames = list(frames)
    if split_index is not None:
        frames.append(next(iter(items[int(split_index) :]), None))
    return item_label(zip(indices, frames, strict=False))


def _facts(flow: Flow, path: str) -> _Facts:
    facts = _known.get((flow.flow_name, path)) or _read(flow, path)
    _keep((flow.flow_name, path), facts)
    return facts


def _keep(task: tuple[str, str], facts: _Facts) -> None:
    with _lock:
        _known[task] = facts
        _known.move_to_end(task)
        if len(_known) > _KEPT:
            _known.popitem(last=False)


@patient
def _read(flow: Flow, path: str) -> _Facts:
    task = task_datastore(flow, path, "r")
    from .._metaflow_internals import stored_split_values

    frames = [frame.value for frame in task.get("_foreach_stack") or ()]
    return frames, stored_split_values(task)
