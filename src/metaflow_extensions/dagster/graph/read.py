"""Metaflow's FlowGraph -> FlowShape.

Metaflow's linter runs before this (its messages are the ones users know), so the graph is acyclic
but for self-loops, balanced, and free of unknown transitions (metaflow/lint.py).
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from .._metaflow_internals import ends_of
from .model import FlowShape, Guard, StepKind, StepShape

if TYPE_CHECKING:
    from .._metaflow_internals.types import Graph, Node

_Stack = tuple[frozenset[str], ...]


def read_shape(graph: Graph) -> FlowShape:
    """Read a linted ``metaflow.graph.FlowGraph``.

    Returns:
        The flow's steps in topological order with scopes, joins and conditions worked out.
    """
    order = _topological_order(graph)
    sources: dict[str, list[str]] = {name: [] for name in order}
    for name in order:
        for target in _targets(graph[name]):
            sources[target].append(name)

    shape = FlowShape(graph.name, *ends_of(graph), (), graph.doc or "")
    stacks: dict[str, _Stack] = {}
    for name in order:
        node = graph[name]
        opened = _stack_on_entry(graph, sources[name], stacks)
        closed = sorted(opened[-1]) if node.type == "join" and opened else []
        stacks[name] = opened[:-1] if closed else opened
        foreaches = (min(level) for level in stacks[name])
        step = StepShape(
            name=name,
            kind=_kind(graph, node),
            targets=_targets(node),
            sources=tuple(sorted(sources[name])),
            foreaches=tuple(split for split in foreaches if _opens_items(graph, graph[split])),
            guards=(),
            is_join=node.type == "join" or node.num_args > 1,
            joins=tuple(closed),
            is_gang=is_gang(node),
            doc=node.doc or "",
        )
        # Steps so far are in `shape`, so guards of predecessors are known here.
        shape = replace(shape, steps=(*shape.steps, replace(step, guards=_guards(shape, step))))
    return shape


def _targets(node: Node) -> tuple[str, ...]:
    return tuple(name for name in dict.fromkeys(node.out_funcs) if name != node.name)


def is_gang(node: Node) -> bool:
    """Whether a control task starts this step's tasks: ``@parallel``, or another unbounded foreach.

    Only the value that a task hands to ``self.next`` says that a foreach is unbounded. What shows
    before is a decorator that refuses retries, as those for unbounded foreach do (Task.__init__ in
    metaflow/runtime.py).
    """
    return node.parallel_step or any(
        deco.step_task_retry_count() == (None, None) for deco in node.decorators
    )


def _kind(graph: Graph, node: Node) -> StepKind:
    if node.type == "end":
        return StepKind.END
    if node.type == "foreach":
        return StepKind.FOREACH if _opens_items(graph, node) else StepKind.PARALLEL
    if node.type == "split-switch":
        return StepKind.LOOP if node.name in node.out_funcs else StepKind.SWITCH
    if node.type == "split":
        return StepKind.SPLIT
    return StepKind.LINEAR


def _opens_items(graph: Graph, node: Node) -> bool:
    if node.type != "foreach" or node.parallel_foreach:
        return False
    return not is_gang(graph[node.out_funcs[0]])


def _topological_order(graph: Graph) -> list[str]:
    """Kahn's algorithm, breadth first from the start step, ties in the order of the source."""
    waiting = {node.name: 0 for node in graph}
    for node in graph:
        for target in _targets(node):
            waiting[target] += 1
    ready, order = [ends_of(graph)[0]], list[str]()
    while ready:
        name = ready.pop(0)
        order.append(name)
        for target in _targets(graph[name]):
            waiting[target] -= 1
            if not waiting[target]:
                ready.append(target)
    return order


def _stack_on_entry(graph: Graph, sources: list[str], stacks: dict[str, _Stack]) -> _Stack:
    """Splits that are open when control enters a step.

    All ways in are equally deep, says the linter, but a switch may lead to one of several splits
    with the same branches.
    """
    ways = [
        (*stacks[source], frozenset([source]))
        if graph[source].type in ("split", "foreach")
        else stacks[source]
        for source in sources
    ]
    return tuple(frozenset[str]().union(*level) for level in zip(*ways, strict=True))


def _guards(shape: FlowShape, step: StepShape) -> tuple[Guard, ...]:
    """The conditions under which ``step`` runs, relative to its run or foreach item."""
    if step.joins:
        # Every branch of a split reaches its join.
        ways = [shape[split].guards for split in step.joins]
    else:
        ways = [shape.edge_guards(source, step.name) for source in step.sources]
    if not ways:
        return ()
    if len(ways) == 1:
        return ways[0]
    common: list[Guard] = []
    for column in zip(*ways, strict=False):
        if any(guard != column[0] for guard in column):
            break
        common.append(column[0])
    reached = sum(math.prod(guard.share for guard in way[len(common) :]) for way in ways)
    # The ways in may cover everything that a shorter prefix allows: then the switches no longer
    # matter here. A merge that some decisions miss keeps a condition of its own.
    if math.isclose(reached, 1):
        return tuple(common)
    return (*common, Guard(step.name, "", reached))
