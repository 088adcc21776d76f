"""What is measured. Goals are ratios of Dagster to native."""

from __future__ import annotations

import statistics
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

from .measure import Bench

WORKERS = "--max-workers=16"


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    what: str
    base: float
    ours: float
    goal: float | None
    unit: str = "s"

    @property
    def ratio(self) -> float:
        return self.ours / self.base

    def as_dict(self) -> dict[str, Any]:
        return {**asdict(self), "ratio": round(self.ratio, 3)}


def chain(bench: Bench) -> Iterator[Row]:
    """Start-up cancels out between a long chain and a short one."""
    times = {}
    for steps in (5, 25):
        name = f"chain{steps}"
        bench.deploy(name, _chain(steps))
        times[steps] = bench.compare(bench.native(name), bench.job(name, f"Chain{steps}"))
    (native, ours), (native_25, ours_25) = times[5], times[25]
    per_step = (native_25 - native) / 20, (ours_25 - ours) / 20
    yield Row("a step of a chain (25 steps less 5 steps)", *per_step, goal=0.25)
    yield Row("chain of 5, whole `dagster job execute`", native, ours, goal=None)


def trigger(bench: Bench) -> Iterator[Row]:
    bench.deploy("chain5", _chain(5))
    ours = [*bench.flow("chain5"), "dagster", "trigger", "--wait"]
    yield Row(
        "chain of 5, `dagster trigger --wait`", *bench.compare(bench.native("chain5"), ours), 1.5
    )


def wide(bench: Bench) -> Iterator[Row]:
    native = _foreach(bench, 100)
    ours = bench.job("wide100", "Wide")
    yield Row("foreach of 100, 16 workers", *bench.compare(native, ours), 0.3)
    yield Row(
        "foreach of 100: memory of all processes",
        bench.memory(native),
        bench.memory(ours),
        1.0,
        "MiB",
    )


def nested(bench: Bench) -> Iterator[Row]:
    bench.deploy("nested", _NESTED, WORKERS)
    native = bench.native("nested", WORKERS)
    yield Row(
        "nested foreach 5x5, leaves sleep 0.5 s",
        *bench.compare(native, bench.job("nested", "Nested")),
        0.6,
    )


def growth(bench: Bench) -> Iterator[Row]:
    """Not against native: what a task costs among 1,000 against among 100."""
    costs = []
    for items in (100, 1000):
        _foreach(bench, items)
        command = bench.job(f"wide{items}", "Wide")
        fixed = _foreach_one(bench)
        taken = statistics.median(bench.timed(command) for _ in range(bench.runs))
        costs.append((taken - fixed) / items)
    small, large = costs
    yield Row("cost of a task: 1,000 items against 100 (no native)", small, large, 1.2)


def compile_(bench: Bench) -> Iterator[Row]:
    bench.deploy("chain5", _chain(5))
    show = [*bench.flow("chain5"), "show"]
    create = [*bench.flow("chain5"), "dagster", "create", "out.py"]
    yield Row("`dagster create` against `show`", *bench.compare(show, create), 1.5)
    load = [sys.executable, "-c", "import dagster"]
    ours = [sys.executable, "-c", "import dagster, chain5_defs"]
    base, taken = bench.compare(load, ours)
    yield Row("loading a generated file against `import dagster`", base, taken, None)


ROWS: dict[str, Callable[[Bench], Iterator[Row]]] = {
    "chain": chain,
    "trigger": trigger,
    "wide": wide,
    "nested": nested,
    "growth": growth,
    "compile": compile_,
}


def _foreach(bench: Bench, items: int) -> list[str]:
    bench.deploy(f"wide{items}", _WIDE.format(items=items), WORKERS)
    return bench.native(f"wide{items}", WORKERS, f"--max-num-splits={items}")


def _foreach_one(bench: Bench) -> float:
    """Seconds of a foreach over a single item."""
    _foreach(bench, 1)
    return statistics.median(bench.timed(bench.job("wide1", "Wide")) for _ in range(bench.runs))


def _chain(steps: int) -> str:
    names = ["start", *(f"step{i}" for i in range(1, steps - 1)), "end"]
    lines = ["from metaflow import FlowSpec, step", "", f"class Chain{steps}(FlowSpec):"]
    for name, following in zip(names, [*names[1:], None], strict=True):
        body = f"self.next(self.{following})" if following else "pass"
        lines += ["    @step", f"    def {name}(self):", f"        {body}"]
    return "\n".join([*lines, f"if __name__ == '__main__': Chain{steps}()", ""])


_WIDE = """
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
