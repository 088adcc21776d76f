"""The flows that are measured, as source text."""

from __future__ import annotations


def chain(steps: int) -> str:
    """``Chain<steps>``: trivial steps one after the other."""
    names = ["start", *(f"step{i}" for i in range(1, steps - 1)), "end"]
    lines = ["from metaflow import FlowSpec, step", "", f"class Chain{steps}(FlowSpec):"]
    for name, following in zip(names, [*names[1:], None], strict=True):
        body = f"self.next(self.{following})" if following else "pass"
        lines += ["    @step", f"    def {name}(self):", f"        {body}"]
    return "\n".join([*lines, f"if __name__ == '__main__': Chain{steps}()", ""])


def stock(ops: int) -> str:
    """A definitions file of Dagster's own means: a job ``stock`` of trivial ops in a chain."""
    lines = ["import dagster", ""]
    for i in range(ops):
        lines += [
            f"@dagster.op(name='op{i}')",
            f"def op{i}(before=None):",
            "    return 'value'",
            "",
        ]
    calls = "op0()"
    for i in range(1, ops):
        calls = f"op{i}({calls})"
    lines += ["@dagster.job", "def stock():", f"    {calls}", ""]
    return "\n".join([*lines, "defs = dagster.Definitions(jobs=[stock])", ""])


def wide(items: int) -> str:
    """``Wide``: a foreach of trivial items. It fails in its join beside a file BENCH_FAILS."""
    return _WIDE.format(items=items)


def nested() -> str:
    """``Nested``: five items of five items, whose inner tasks sleep for half a second."""
    return _NESTED


def uneven(levels: int, slow: float, fast: float) -> str:
    """``Uneven``: nested foreaches where each outer item is slow on one level and fast on others.

    With a barrier between the levels a run takes as many slow tasks as there are levels, one after
    the other; without one it takes a single slow task and the fast ones around it.
    """
    names = [f"level{i}" for i in range(levels)]
    lines = [
        "import time",
        "from metaflow import FlowSpec, step",
        "",
        "class Uneven(FlowSpec):",
        "    @step",
        "    def start(self):",
        "        self.path = []",
        f"        self.items = list(range({levels + 1}))",
        "        self.next(self.level0, foreach='items')",
        "",
    ]
    for i, name in enumerate(names):
        is_last = i == levels - 1
        target = f"join{i}" if is_last else f"level{i + 1}"
        after = f"self.next(self.{target}" + (")" if is_last else ", foreach='items')")
        lines += [
            "    @step",
            f"    def {name}(self):",
            "        self.path = [*self.path, self.input]",
            f"        is_slow = min(self.path[0], {levels - 1}) == {i}",
            f"        time.sleep({slow} if is_slow else {fast})",
            "        self.items = [0, 1]",
            f"        {after}",
            "",
        ]
    for i in reversed(range(levels)):
        target = f"join{i - 1}" if i else "end"
        lines += [
            "    @step",
            f"    def join{i}(self, inputs):",
            f"        self.next(self.{target})",
            "",
        ]
    lines += ["    @step", "    def end(self): pass", "", "if __name__ == '__main__': Uneven()", ""]
    return "\n".join(lines)


def uneven_switch(slow: float, fast: float) -> str:
    """``UnevenSwitch``: items take a slow or a fast branch, and are as uneven after the merge."""
    return _UNEVEN_SWITCH.format(slow=slow, fast=fast)


_WIDE = """
import os
from metaflow import FlowSpec, step

class Wide(FlowSpec):
    @step
    def start(self):
        self.numbers = list(range({items}))
        self.next(self.work, foreach="numbers")

    @step
    def work(self):
        self.next(self.join)

    @step
    def join(self, inputs):
        if os.path.exists("BENCH_FAILS"):
            raise ValueError("as asked")
        self.next(self.end)

    @step
    def end(self):
        pass

if __name__ == "__main__":
    Wide()
"""

_NESTED = """
import time
from metaflow import FlowSpec, step

class Nested(FlowSpec):
    @step
    def start(self):
        self.outer_items = list(range(5))
        self.next(self.outer, foreach="outer_items")

    @step
    def outer(self):
        self.inner_items = list(range(5))
        self.next(self.inner, foreach="inner_items")

    @step
    def inner(self):
        time.sleep(0.5)
        self.next(self.inner_join)

    @step
    def inner_join(self, inputs):
        self.next(self.outer_join)

    @step
    def outer_join(self, inputs):
        self.next(self.end)

    @step
    def end(self):
        pass

if __name__ == "__main__":
    Nested()
"""

_UNEVEN_SWITCH = """
import time
from metaflow import FlowSpec, step

class UnevenSwitch(FlowSpec):
    @step
    def start(self):
        self.items = [0, 1, 2, 3]
        self.next(self.choose, foreach="items")

    @step
    def choose(self):
        self.item = self.input
        self.way = "slow" if self.item == 0 else "fast"
        self.next({{"slow": self.slow, "fast": self.fast}}, condition="way")

    @step
    def slow(self):
        time.sleep({slow})
        self.next(self.merge)

    @step
    def fast(self):
        time.sleep({fast})
        self.next(self.merge)

    @step
    def merge(self):
        time.sleep({fast} if self.way == "slow" else {slow})
        self.next(self.join)

    @step
    def join(self, inputs):
        self.next(self.end)

    @step
    def end(self):
        pass

if __name__ == "__main__":
    UnevenSwitch()
"""
