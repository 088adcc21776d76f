"""The comparison itself: it sees what it is there to see, and excuses only what it says."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from .compare import differences, foreach_depths, mismatches

GRAPH = {
    "start": {"type": "split-foreach", "next": ["body"]},
    "body": {"type": "split-switch", "next": ["body", "left", "gang_of"]},
    "left": {"type": "linear", "next": ["gather"]},
    "gang_of": {"type": "split-parallel", "next": ["gang"]},
    "gang": {"type": "linear", "next": ["gang_join"]},
    "gang_join": {"type": "join", "next": ["gather"]},
    "gather": {"type": "join", "next": ["decide"]},
    "decide": {"type": "split-switch", "next": ["taken", "not_taken"]},
    "taken": {"type": "linear", "next": ["end"]},
    "not_taken": {"type": "linear", "next": ["end"]},
    "end": {"type": "end", "next": []},
}
KEYS = ["start", "body[0].i0", "body[0].i1", "body[1].i0", "left[0]", "gang_of[1]", "gang[1_0]"]
KEYS += ["gang[1_1]", "gang_join[1]", "gather", "decide", "taken", "end"]
OPS = ["start", "body[0]", "body[1]", "left[0]", "gang_of[1]", "gang[1]", "gang_join[1]"]
OPS += ["gather", "decide", "taken", "end"]


def a_task() -> dict[str, Any]:
    return {
        "attempts": {"0": {"artifacts": {"x": "1"}, "stdout": "said\n", "stderr": ""}},
        "metadata": {"0": {"attempt": ["0"], "runtime": ["dev"]}},
        "successful": True,
        "finished": True,
        "user_tags": ["mine"],
        "system_tags": ["user:tester", "runtime:dev"],
        "parents": ["start"],
    }


def a_run() -> dict[str, Any]:
    run = {"successful": True, "user_tags": [], "system_tags": ["runtime:dev"]}
    return {"run": run, "graph": GRAPH, "tasks": {key: a_task() for key in KEYS}}


def facts() -> dict[str, Any]:
    steps = {f"op_{key}": {"status": "SUCCESS", "attempts": 1} for key in OPS}
    steps["op_not_taken"] = {"status": "SKIPPED", "attempts": 0}
    steps["gather_gather"] = {"status": "SUCCESS", "attempts": 1}
    return {"status": "SUCCESS", "steps": steps, "failures": {}}


def test_equal_runs_are_equal() -> None:
    assert differences(a_run(), a_run()) == []
    assert mismatches(False, a_run(), facts()) == []


def test_what_says_dagster_is_excused() -> None:
    run = a_run()
    run["run"]["system_tags"] = ["runtime:dagster", "dagster"]
    run["tasks"]["end"]["system_tags"] += ["dagster:job"]
    run["tasks"]["end"]["metadata"]["0"] |= {"dagster-run-id": ["1"], "runtime": ["dagster"]}
    assert differences(a_run(), run) == []


def change(*path: str, to: Any) -> Callable[[dict[str, Any]], None]:
    def apply(where: dict[str, Any]) -> None:
        for name in path[:-1]:
            where = where[name]
        if to is None:
            del where[path[-1]]
        else:
            where[path[-1]] = to

    return apply


@pytest.mark.parametrize(
    ("apply", "expected"),
    [
        (change("tasks", "end", to=None), "task end: missing in Dagster's run"),
        (change("tasks", "body[2].i0", to={}), "task body[2].i0: not in the native run"),
        (
            change("tasks", "end", "attempts", "0", "artifacts", "x", to="2"),
            "task end, attempt 0: artifact x:\n    native  '1'\n    dagster '2'",
        ),
        (
            change("tasks", "end", "attempts", "0", "artifacts", "y", to="2"),
            "task end, attempt 0: artifact y:\n    native  'nothing'\n    dagster '2'",
        ),
        (
            change("tasks", "end", "attempts", "1", to={}),
            "attempts of attempt 1 only in the Dagster",
        ),
        (change("tasks", "end", "attempts", "0", "stdout", to=""), "task end, attempt 0 stdout"),
        (change("tasks", "end", "metadata", "0", "attempt", to=None), "metadata attempt:"),
        (change("tasks", "end", "parents", to=[]), "task end parents"),
        (change("tasks", "end", "successful", to=False), "task end successful"),
        (change("tasks", "end", "user_tags", to=["mine", "too"]), "task end user_tags"),
        (change("run", "successful", to=False), "run successful"),
    ],
)
def test_a_difference_is_seen(apply: Callable[[dict[str, Any]], None], expected: str) -> None:
    changed = copy.deepcopy(a_run())
    apply(changed)
    (difference,) = differences(a_run(), changed)
    assert expected in difference


@pytest.mark.parametrize(
    ("apply", "expected"),
    [
        (change("status", to="FAILURE"), "the Dagster run is FAILURE, not SUCCESS"),
        (change("steps", "op_left[0]", to=None), "step op_left[0] is missing in Dagster"),
        (
            change("steps", "op_left[1]", to={"status": "SUCCESS", "attempts": 1}),
            "step op_left[1] succeeded in Dagster without a finished task",
        ),
        (change("steps", "op_not_taken", "status", to="SUCCESS"), "op_not_taken"),
        (
            change("steps", "op_not_taken", to=None),
            "op_not_taken was not chosen, but it is missing",
        ),
        (change("steps", "op_end", "attempts", to=2), "step op_end: 2 attempts in Dagster, 1 in"),
        (
            change("steps", "helper", to={"status": "SUCCESS"}),
            "a step of an unexpected kind: helper",
        ),
    ],
)
def test_a_mismatch_is_seen(apply: Callable[[dict[str, Any]], None], expected: str) -> None:
    changed = facts()
    apply(changed)
    found = mismatches(False, a_run(), changed)
    assert any(expected in mismatch for mismatch in found), found


def test_a_failed_task_is_a_failed_op() -> None:
    run, dagster = a_run(), facts()
    run["tasks"]["end"]["finished"] = False
    assert "step op_end succeeded in Dagster without" in mismatches(False, run, dagster)[0]
    dagster["status"] = dagster["steps"]["op_end"]["status"] = "FAILURE"
    assert mismatches(True, run, dagster) == []


def test_foreach_depths() -> None:
    depths = foreach_depths(GRAPH)
    assert {name for name, depth in depths.items() if depth} == {
        *("body", "left", "gang_of", "gang", "gang_join")
    }
