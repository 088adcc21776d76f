"""``make bench``: what a task costs in Dagster, beside a native run of the same flow.

    python -m bench [--all] [--runs 3] [--only chain,wide] [--items 10000]

Native and Dagster runs take turns, so that a machine that slows down slows both. Ratios are of the
medians. The table is printed and written to bench-results/ as Markdown and JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

from .long_rows import LONG_ROWS
from .measure import Bench
from .rows import ROWS, Row

ROOT = Path(__file__).resolve().parent.parent


def main() -> int:
    parser = argparse.ArgumentParser(
        description="What a task costs in Dagster, beside a native run."
    )
    every = {**ROWS, **LONG_ROWS}
    parser.add_argument("--all", action="store_true", help="Also what takes an hour.")
    parser.add_argument("--only", help=f"Rows to measure, of: {', '.join(every)}.")
    parser.add_argument(
        "--runs", type=int, default=3, help="Most runs of each command (default 3)."
    )
    parser.add_argument(
        "--items", type=int, default=10_000, help="Of the widest foreach (default 10,000)."
    )
    options = parser.parse_args()
    chosen = options.only.split(",") if options.only else list(every if options.all else ROWS)
    unknown = [name for name in chosen if name not in every]
    if unknown:
        parser.error(f"no such row: {', '.join(unknown)}")
    rows: list[Row] = []
    print(_line("what", "native", "Dagster", "ratio", "goal"), flush=True)
    for name in chosen:
        with tempfile.TemporaryDirectory(prefix="metaflow-dagster-bench-") as folder:
            for row in every[name](Bench(Path(folder), options.runs, options.items)):
                rows.append(row)
                print(_cells(row), flush=True)
    _write(rows, options.runs)
    return 0


def _cells(row: Row) -> str:
    unit = row.unit
    goal = f"<= {row.goal:g}x" if row.goal else "-"
    base, ours = f"{row.base:.3g} {unit}", f"{row.ours:.3g} {unit}"
    return _line(row.what, base, ours, f"{row.ratio:.2f}x", goal)


def _line(what: str, base: str, ours: str, ratio: str, goal: str) -> str:
    return f"| {what:<58} | {base:>10} | {ours:>10} | {ratio:>7} | {goal:>8} |"


def _write(rows: list[Row], runs: int) -> None:
    machine = {
        "cores": os.cpu_count(),
        "platform": platform.platform(),
        "python": platform.python_version(),
        "metaflow": version("metaflow"),
        "dagster": version("dagster"),
        "runs": runs,
    }
    folder = ROOT / "bench-results"
    folder.mkdir(exist_ok=True)
    result = {"machine": machine, "rows": [row.as_dict() for row in rows]}
    (folder / "bench.json").write_text(json.dumps(result, indent=2) + "\n")
    table = [_line("what", "native", "Dagster", "ratio", "goal"), "|---|---|---|---|---|"]
    facts = ", ".join(f"{key} {value}" for key, value in machine.items())
    text = "\n".join([*table, *map(_cells, rows), "", facts, ""])
    (folder / "bench.md").write_text(text)
    print(f"\n{facts}\nWritten to bench-results/bench.md and bench.json")


if __name__ == "__main__":
    sys.exit(main())
