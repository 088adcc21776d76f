"""What `make bench` measures, in some minutes. Goals are ratios of Dagster to native."""

from __future__ import annotations

import statistics
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

from . import flows
from .measure import Bench
from .servers import Live

WORKERS = "--max-workers=16"
SLOW, FAST = 6.0, 0.5  # seconds that the tasks of uneven flows sleep


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Attributes:
        what: What is measured.
        base: The figure of the base, which is a native run unless `what` says otherwise.
        ours: The figure of Dagster with this package.
        goal: The ratio that we want to stay under.
        unit: Of both figures.
    """

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
        bench.deploy(name, flows.chain(steps))
        times[steps] = bench.compare(bench.native(name), bench.job(name, f"Chain{steps}"))
    (native, ours), (native_25, ours_25) = times[5], times[25]
    per_step = (native_25 - native) / 20, (ours_25 - ours) / 20
    yield Row("a step of a chain (25 steps less 5 steps)", *per_step, goal=0.10)
    yield Row("chain of 5, whole `dagster job execute`", native, ours, goal=1.0)


def trigger(bench: Bench) -> Iterator[Row]:
    bench.deploy("chain5", flows.chain(5))
    ours = [*bench.flow("chain5"), "dagster", "trigger", "--wait"]
    yield Row(
        "chain of 5, `dagster trigger --wait`", *bench.compare(bench.native("chain5"), ours), 0.8
    )


def live(bench: Bench) -> Iterator[Row]:
    """Not against native: runs that are launched where a webserver and a daemon run already."""
    bench.deploy("chain5", flows.chain(5))
    (bench.folder / "stock_defs.py").write_text(flows.stock(5))
    with Live(bench, "chain5_defs.py", "stock_defs.py") as deployment:
        base, ours = bench.alternate(
            lambda: deployment.run("stock"), lambda: deployment.run("Chain5"), runs=2
        )
    yield Row("chain of 5 on a live `dagster dev`, against a stock job", base, ours, 1.15)


def wide(bench: Bench) -> Iterator[Row]:
    native, ours = foreach(bench, 100), bench.job("wide100", "Wide")
    yield Row("foreach of 100, 16 workers", *bench.compare(native, ours, runs=2), 0.18)
    memory = bench.memory(native), bench.memory(ours)
    yield Row("foreach of 100: memory of all processes", *memory, 1.0, "MiB")


def cpu(bench: Bench) -> Iterator[Row]:
    """User and system time of all processes, which other load on the machine changes little."""
    used: dict[int, tuple[float, float]] = {}
    for items in (100, 300):
        native, ours = foreach(bench, items), bench.job(f"wide{items}", "Wide")
        used[items] = bench.alternate(
            lambda n=native: bench.cpu(n), lambda o=ours: bench.cpu(o), runs=1
        )
    per_task = [(used[300][i] - used[100][i]) / 200 for i in (0, 1)]
    yield Row("CPU time of a task (foreach of 300 less 100)", *per_task, goal=0.10)


def nested(bench: Bench) -> Iterator[Row]:
    bench.deploy("nested", flows.nested(), WORKERS)
    what = "nested foreach 5x5, leaves sleep 0.5 s"
    yield _against_native(bench, what, "nested", "Nested", 0.6, runs=2)


def uneven(bench: Bench) -> Iterator[Row]:
    """Outer items are slow on different levels, whose times a barrier between them adds up."""
    for levels in (2, 3):
        name = f"uneven{levels}"
        bench.deploy(name, flows.uneven(levels, SLOW, FAST), WORKERS)
        what = f"uneven nested foreach of {levels} levels, {SLOW:g} s or {FAST:g} s a task"
        yield _against_native(bench, what, name, "Uneven", 1.0, runs=1)
    bench.deploy("uneven_switch", flows.uneven_switch(SLOW, FAST), WORKERS)
    what = f"uneven switch in a foreach, {SLOW:g} s or {FAST:g} s a task"
    yield _against_native(bench, what, "uneven_switch", "UnevenSwitch", 1.0, runs=1)


def growth(bench: Bench) -> Iterator[Row]:
    """Not against native: what a task costs among 1,000 against among 100."""
    costs = []
    for items in (100, 1000):
        foreach(bench, items)
        command = bench.job(f"wide{items}", "Wide")
        fixed = seconds_of_one(bench)
        costs.append((bench.timed(command) - fixed) / items)
    few, many = costs
    yield Row("cost of a task: 1,000 items against 100 (no native)", few, many, 1.2)


def compile_(bench: Bench) -> Iterator[Row]:
    bench.deploy("chain5", flows.chain(5))
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
    "live": live,
    "wide": wide,
    "cpu": cpu,
    "nested": nested,
    "uneven": uneven,
    "growth": growth,
    "compile": compile_,
}


def foreach(bench: Bench, items: int) -> list[str]:
    """Deploy a foreach of so many trivial items; returns the native command."""
    bench.deploy(f"wide{items}", flows.wide(items), WORKERS)
    return bench.native(f"wide{items}", WORKERS, f"--max-num-splits={items}")


def seconds_of_one(bench: Bench) -> float:
    """Seconds of a foreach over a single item."""
    foreach(bench, 1)
    return statistics.median(bench.timed(bench.job("wide1", "Wide")) for _ in range(bench.runs))


def _against_native(bench: Bench, what: str, name: str, job: str, goal: float, runs: int) -> Row:
    native, ours = bench.native(name, WORKERS), bench.job(name, job)
    return Row(what, *bench.compare(native, ours, runs), goal)
