"""What `make bench-all` measures beside the rest, in about an hour."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from . import flows
from .measure import Bench
from .rows import WORKERS, Row, foreach
from .servers import Live

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from support.postgres import running_postgres

AT_ONCE = 4
CLONES = 1000
CLONE_SECONDS = 0.02
FILES = 50
FILE_SECONDS = 0.15


def many(bench: Bench) -> Iterator[Row]:
    """Not against native: time and the run worker's memory, among all items against a tenth.

    `trigger --wait` is the run worker, as what a launcher starts. `dagster job execute` would count
    the list of all events that it keeps for its caller (`execute_run` in Dagster's
    `_core/execution/api.py`).
    """
    seconds, memory = [], []
    fixed = 0.0
    for items in (1, bench.items // 10, bench.items):
        foreach(bench, items)
        command = [*bench.flow(f"wide{items}"), "dagster", "trigger", "--wait"]
        taken, most = bench.run_worker(command)
        if items == 1:
            fixed = taken
            continue
        seconds.append((taken - fixed) / items)
        memory.append(most)
    what = f"{bench.items:,} items against {bench.items // 10:,} (no native)"
    yield Row(f"cost of a task: {what}", *seconds, goal=1.1)
    yield Row(f"memory of the run worker: {what}", *memory, goal=1.3, unit="MiB")


def at_once(bench: Bench) -> Iterator[Row]:
    native, ours = foreach(bench, 100), bench.job("wide100", "Wide")
    bench.timed(ours)  # makes the instance, which Dagster does not do in four processes at once
    one_by_one = sum(bench.timed(native) for _ in range(AT_ONCE))
    what = f"{AT_ONCE} runs of a foreach of 100 at once, against one after the other natively"
    yield Row(what, one_by_one, together(bench, [ours] * AT_ONCE), 0.2)


def postgres(bench: Bench) -> Iterator[Row]:
    """Not against native: an instance in PostgreSQL against one in SQLite."""
    kinds = [("chain25", "Chain25", flows.chain(25), []), ("wide100", "Wide", "", [WORKERS])]
    with running_postgres() as server:
        (bench.folder / "on_postgres").mkdir()
        elsewhere = Bench(bench.folder / "on_postgres", bench.runs)
        with (elsewhere.folder / "dagster_home" / "dagster.yaml").open("a") as file:
            url = server.new_database()
            file.write(f"storage:\n  postgres:\n    postgres_url: {url}\n")
        for name, job, source, options in kinds:
            for place in (bench, elsewhere):
                place.deploy(name, source or flows.wide(100), *options)
            figures = bench.alternate(
                lambda n=name, j=job: bench.timed(bench.job(n, j)),
                lambda n=name, j=job: elsewhere.timed(elsewhere.job(n, j)),
                runs=2,
            )
            yield Row(f"{name} on PostgreSQL, against SQLite (no native)", *figures, 1.2)


def clones(bench: Bench) -> Iterator[Row]:
    """Not against native: a resume that clones a foreach and runs its join anew."""
    costs = []
    for items in (1, CLONES):
        foreach(bench, items)
        name, fails = f"wide{items}", bench.folder / "BENCH_FAILS"
        fails.touch()
        trigger = [*bench.flow(name), "dagster", "trigger", "--wait", "--run-id-file", "failed"]
        bench.timed(trigger, fails=True)
        fails.unlink()
        run_id = (bench.folder / "failed").read_text().strip()
        resume = [*bench.flow(name), "dagster", "resume", "--origin-run-id", run_id, "--wait"]
        costs.append(bench.timed(resume))
    cost = (costs[1] - costs[0]) / (CLONES - 1)
    what = f"cloning one of {CLONES:,} finished tasks, against {CLONE_SECONDS} s (no native)"
    yield Row(what, CLONE_SECONDS, cost, 1.0)


def files(bench: Bench) -> Iterator[Row]:
    """Not against native: `dagster dev` of many generated files in one code location."""
    for i in range(FILES):
        source = flows.chain(5).replace("Chain5", f"Flow{i}")
        bench.deploy(f"flow{i}", source)
    for count in (1, FILES):
        names = [f"flow{i}_defs" for i in range(count)]
        text = f"import {', '.join(names)}\nfrom dagster import Definitions\n"
        text += f"defs = Definitions.merge({', '.join(f'{name}.defs' for name in names)})\n"
        (bench.folder / f"all{count}.py").write_text(text)

    def start(name: str) -> float:
        with Live(bench, name) as deployment:
            return deployment.seconds

    one, all_ = bench.alternate(lambda: start("all1.py"), lambda: start(f"all{FILES}.py"))
    cost = (all_ - one) / (FILES - 1)
    what = f"one of {FILES} generated files in `dagster dev`, against {FILE_SECONDS} s (no native)"
    yield Row(what, FILE_SECONDS, cost, 1.0)


_BY_LOAD = "from metaflow_dagster import load_flows\ndefs = load_flows('reloaded')\n"
_BY_IMPORT = """import importlib.util, sys
from glob import glob
from dagster import Definitions
parts = []
for number, path in enumerate(sorted(glob("reload_cache/flows/*/*_definitions.py"))):
    spec = importlib.util.spec_from_file_location(f"part{number}", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    parts.append(module.defs)
defs = Definitions.merge(*parts)
"""


def reload(bench: Bench) -> Iterator[Row]:
    """Not against native: `load_flows` of unchanged flows, against importing the same files."""
    bench.env["METAFLOW_DAGSTER_CACHE"] = str(bench.folder / "reload_cache")
    (bench.folder / "reloaded").mkdir()
    for i in range(FILES):
        source = flows.chain(5).replace("Chain5", f"Flow{i}")
        (bench.folder / "reloaded" / f"flow{i}.py").write_text(source)
    for name, text in (("by_load", _BY_LOAD), ("by_import", _BY_IMPORT)):
        (bench.folder / f"{name}.py").write_text(text)
    imports, loads = (
        [sys.executable, "-c", f"import {name}; assert len({name}.defs.jobs) == {FILES}"]
        for name in ("by_import", "by_load")
    )
    bench.timed(loads)  # compiles them
    what = f"load_flows of {FILES} unchanged flows, against importing their files (no native)"
    wall = bench.alternate(lambda: bench.timed(imports), lambda: bench.timed(loads))
    yield Row(what, *wall, goal=2.0)
    cpu = bench.alternate(lambda: bench.cpu(imports), lambda: bench.cpu(loads))
    yield Row(f"CPU time: {what}", *cpu, goal=2.0)
    del bench.env["METAFLOW_DAGSTER_CACHE"]


LONG_ROWS: dict[str, Callable[[Bench], Iterator[Row]]] = {
    "many": many,
    "at-once": at_once,
    "postgres": postgres,
    "clones": clones,
    "files": files,
    "reload": reload,
}


def together(bench: Bench, commands: Sequence[Sequence[str]]) -> float:
    """Seconds until all of these commands have ended that start at the same time."""
    with ThreadPoolExecutor(len(commands)) as threads:
        return max(threads.map(bench.timed, commands))
