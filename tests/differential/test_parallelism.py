"""Items of a foreach run at the same time, also those of different outer items."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from . import runs
from .cases import Case

Spans = dict[str, tuple[float, float]]
SECONDS = 5.0
"""How long each leaf sleeps: longer than it takes a busy machine to start all of them."""


@pytest.fixture
def leaves(
    tmp_path: Path,
    reader: runs.Reader,
    launcher: runs.Launcher,
    dagster_home: Path,
    engine: str,
) -> Callable[[int], Spans]:
    """When each leaf began and ended, by its foreach indices."""

    def run(max_workers: int) -> Spans:
        case = Case("sleepers", {"seconds": SECONDS}, max_workers=max_workers)
        _, facts, output = runs.run_dagster(
            case, tmp_path / "dagster", reader, launcher, dagster_home, engine
        )
        assert facts["status"] == "SUCCESS", output
        steps: dict[str, Any] = facts["steps"]
        return {
            key[len("op_leaf[") : -1]: (step["start"], step["end"])
            for key, step in steps.items()
            if key.startswith("op_leaf[")
        }

    return run


def test_leaves_of_different_outer_items_overlap(leaves: Callable[[int], Spans]) -> None:
    spans = leaves(16)
    assert sorted(spans) == [f"{i}_{j}" for i in range(3) for j in range(3)]
    most = max(_running(spans, begin) for begin, _ in spans.values())
    assert most == 9


def test_no_more_steps_than_max_workers(leaves: Callable[[int], Spans]) -> None:
    spans = leaves(4)
    assert len(spans) == 9
    assert max(_running(spans, begin) for begin, _ in spans.values()) == 4


def test_no_item_waits_for_the_items_beside_it(
    tmp_path: Path,
    reader: runs.Reader,
    launcher: runs.Launcher,
    dagster_home: Path,
    engine: str,
) -> None:
    _, facts, output = runs.run_dagster(
        Case("uneven", {"seconds": SECONDS}),
        tmp_path / "dagster",
        reader,
        launcher,
        dagster_home,
        engine,
    )
    assert facts["status"] == "SUCCESS", output
    steps: dict[str, Any] = facts["steps"]
    last_outer, slow_branch = steps["op_outer[0]"]["end"], steps["op_slow[0]"]["end"]
    assert max(steps[f"op_inner[1_{j}]"]["start"] for j in range(2)) < last_outer
    assert steps["op_inner_join[1]"]["start"] < last_outer
    assert steps["op_merged[1]"]["start"] < slow_branch


def _running(spans: Spans, moment: float) -> int:
    """How many leaves run at a moment."""
    return sum(begin <= moment < end for begin, end in spans.values())
