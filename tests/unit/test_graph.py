"""Shapes of flows as the graph room reads them."""

from __future__ import annotations

from typing import Any

import pytest
from metaflow import FlowSpec, step

from metaflow_extensions.dagster.graph import FlowShape, StepKind, read_shape


class SkipMerge(FlowSpec):
    """x goes to a or y, y to b or z, a to b, b and z to m: b is reached in two ways."""

    @step
    def start(self):
        self.next({1: self.a, 2: self.y}, condition="k")  # pyright: ignore[reportArgumentType]

    @step
    def a(self):
        self.next(self.b)

    @step
    def y(self):
        self.next({1: self.b, 2: self.z}, condition="k")  # pyright: ignore[reportArgumentType]

    @step
    def b(self):
        self.next(self.m)

    @step
    def z(self):
        self.next(self.m)

    @step
    def m(self):
        self.next(self.end)

    @step
    def end(self):
        pass


class Nested(FlowSpec):
    @step
    def start(self):
        self.next(self.outer, foreach="xs")

    @step
    def outer(self):
        self.next(self.left, self.right)

    @step
    def left(self):
        self.next(self.inner, foreach="ys")

    @step
    def inner(self):
        self.next({"again": self.inner, "on": self.back}, condition="k")  # pyright: ignore[reportArgumentType]

    @step
    def back(self):
        self.next(self.inner_join)

    @step
    def inner_join(self, inputs):
        self.next(self.both)

    @step
    def right(self):
        self.next(self.both)

    @step
    def both(self, inputs):
        self.next(self.outer_join)

    @step
    def outer_join(self, inputs):
        self.next(self.end)

    @step
    def end(self):
        pass


def shape_of(flow: Any) -> FlowShape:
    return read_shape(flow._graph)


def test_steps_come_in_topological_order() -> None:
    shape = shape_of(Nested)
    seen: set[str] = set()
    for entry in shape.steps:
        assert seen >= set(entry.sources)
        seen.add(entry.name)
    assert (shape.start, shape.end) == ("start", "end")


def test_scopes_and_joins() -> None:
    shape = shape_of(Nested)
    assert shape["outer"].foreaches == ("start",)
    assert shape["inner"].foreaches == ("start", "left")
    assert shape["inner_join"].foreaches == ("start",)
    assert shape["inner_join"].joins == ("left",)
    assert shape["both"].joins == ("outer",)
    assert shape["outer_join"].depth == 0


def test_a_loop_is_no_target_of_itself() -> None:
    inner = shape_of(Nested)["inner"]
    assert inner.kind is StepKind.LOOP
    assert inner.targets == ("back",)
    assert inner.sources == ("left",)
    assert not shape_of(Nested).is_conditional("inner")


@pytest.mark.parametrize(("name", "conditions"), [("start", 0), ("a", 1), ("z", 2), ("b", 1)])
def test_guards_count_the_decisions_before_a_step(name: str, conditions: int) -> None:
    assert len(shape_of(SkipMerge)[name].guards) == conditions


def test_a_merge_that_all_ways_reach_has_no_condition() -> None:
    shape = shape_of(SkipMerge)
    assert shape["m"].guards == ()
    assert shape["end"].guards == ()
