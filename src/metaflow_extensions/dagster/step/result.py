"""What a finished task tells the op that ran it (``TaskResult`` in driver/result.py)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from .._metaflow_internals import (
    card_paths,
    ends_of,
    is_unbounded,
    split_values,
    stored_split_values,
    transition_of,
)
from .._metaflow_internals.untyped import ui_url
from ..contract import item_label, transition_error
from .artifacts import describe_artifacts

if TYPE_CHECKING:
    from .._metaflow_internals.types import Flow, ForeachFrame, Graph, Node, TaskDatastore

_KEPT_ITEMS = 10_000  # of a foreach, whose values its step tells


def task_result(
    flow: Flow,
    graph: Graph,
    step_name: str,
    datastore: TaskDatastore,
    is_ok: bool,
    values: Mapping[str, Any],
) -> dict[str, Any]:
    """Which steps follow, what Dagster shows of the task, and where the cards are.

    Args:
        flow: The flow object at the end of the task.
        graph: The flow's graph.
        step_name: The step that ran.
        datastore: The task's datastore, done by now.
        is_ok: Whether the step's code came to its end.
        values: What the step's code has set; of the last step all that the flow has is shown.
    """
    node = graph[step_name]
    next_steps, splits, gang = transition_of(flow, node.parallel_foreach)
    has_cards = any(deco.name == "card" for deco in node.decorators)
    ui = ui_url()
    return {
        "splits": splits,
        "next_steps": next_steps,
        "refusal": transition_refusal(node, next_steps, is_ok)
        or _foreach_refusal(graph, node, flow),
        "gang": gang,
        "items": split_values(flow)[:_KEPT_ITEMS],
        "artifacts": describe_artifacts(
            datastore,
            None if step_name == ends_of(graph)[1] else values,
            dir(type(flow)),
        ),
        "cards": card_paths(flow.name, datastore) if has_cards else [],
        "url": f"{ui.rstrip('/')}/{flow.name}/{datastore.pathspec}" if ui else None,
    }


def stored_facts(task: TaskDatastore, is_parallel: bool) -> dict[str, Any]:
    """What ``task_result`` says, as far as it can be read from the datastore after the task.

    Args:
        task: A finished task.
        is_parallel: Whether it opens a gang.
    """
    transition: tuple[list[str], object] = task.get("_transition") or ([], None)
    if is_parallel:
        splits = task["_parallel_ubf_iter"].num_parallel
    else:
        splits = task.get("_foreach_num_splits")
    return {
        "splits": splits or 0,
        "next_steps": list(transition[0]),
        "gang": list(task.get("_control_mapper_tasks") or []),
        "artifacts": describe_artifacts(task),
        "items": stored_split_values(task)[:_KEPT_ITEMS],
        **frame_facts(task.get("_foreach_stack") or ()),
    }


def frame_facts(frames: Collection[ForeachFrame]) -> dict[str, Any]:
    """What a task of a foreach is for, by the foreaches around it."""
    return {
        "item": item_label((frame.index, frame.value) for frame in frames),
        "frames": [frame.value for frame in frames],
    }


def transition_refusal(node: Node, next_steps: list[str], is_ok: bool) -> str | None:
    """Why the run cannot go on after a task (``transition_error``), by its node in the graph."""
    is_switch = node.type == "split-switch"
    return transition_error(node.name, next_steps, node.out_funcs, is_switch, is_ok)


def _foreach_refusal(graph: Graph, node: Node, flow: Flow) -> str | None:
    """Why a foreach cannot run in the form that its job was made for; None if it can.

    Metaflow looks at the value when the run gets there (``_queue_task_foreach`` in
    metaflow/runtime.py), a job at the decorators of the step that the foreach leads to.
    """
    if node.type != "foreach" or node.parallel_foreach:
        return None
    from ..graph.read import is_gang

    (target,) = node.out_funcs
    if is_unbounded(flow) == is_gang(graph[target]):
        return None
    if is_unbounded(flow):
        return (
            f"Step {node.name} goes over an unbounded foreach, and step {target} has no decorator "
            "that runs one. Give it one, or go over a list."
        )
    return (
        f"Step {target} has a decorator for unbounded foreaches, and step {node.name} goes over "
        "something else. Go over what the decorator is meant for, or leave the decorator out."
    )
