"""Holds what two runs left against each other.

``python flow.py run`` is right by definition. What may differ is said here, with the reason.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from typing import Any

_HELPER_OP = re.compile(r"(fan_out|collect|gather)_")


def differences(native: dict[str, Any], dagster: dict[str, Any]) -> list[str]:
    """How the Metaflow run that Dagster made differs from the native one; empty if it does not."""
    return list(_runs(native, dagster))


def mismatches(case_fails: bool, run: dict[str, Any], facts: dict[str, Any]) -> list[str]:
    """Where Dagster's run and the Metaflow run that it made do not tell the same story.

    One Metaflow task is one successful op step: ``op_<step>``, in a foreach ``op_<step>[i_j]``.
    All iterations of a loop are one op step, and so are all tasks of a gang.
    """
    return list(_dagster(case_fails, run, facts))


def _runs(native: dict[str, Any], dagster: dict[str, Any]) -> Iterator[str]:
    yield from _mapping("run", _run_facts(native["run"]), _run_facts(dagster["run"]))
    yield from _mapping("graph", native["graph"], dagster["graph"])
    expected, found = native["tasks"], dagster["tasks"]
    for key in sorted(expected.keys() | found.keys()):
        if key not in found:
            yield f"task {key}: missing in Dagster's run"
        elif key not in expected:
            yield f"task {key}: not in the native run"
        else:
            yield from _tasks(f"task {key}", expected[key], found[key])


def _tasks(where: str, native: dict[str, Any], dagster: dict[str, Any]) -> Iterator[str]:
    plain = native.keys() - {"attempts", "metadata"}
    yield from _mapping(
        where,
        {name: _task_fact(name, native[name]) for name in plain},
        {name: _task_fact(name, dagster[name]) for name in plain},
    )
    for what in ("metadata", "attempts"):
        numbers = native[what].keys() | dagster[what].keys()
        for number in sorted(numbers):
            if number not in dagster[what] or number not in native[what]:
                side = "native" if number in native[what] else "Dagster's"
                yield f"{where}: {what} of attempt {number} only in the {side} run"
                continue
            ours, theirs = native[what][number], dagster[what][number]
            here = f"{where}, attempt {number}"
            if what == "metadata":
                yield from _mapping(f"{here}: metadata", _metadata(ours), _metadata(theirs))
            else:
                yield from _mapping(f"{here}: artifact", ours["artifacts"], theirs["artifacts"])
                for stream in ("stdout", "stderr"):
                    yield from _mapping(
                        here, {stream: _stream(ours, stream)}, {stream: _stream(theirs, stream)}
                    )


def _mapping(where: str, native: dict[str, Any], dagster: dict[str, Any]) -> Iterator[str]:
    for name in sorted(native.keys() | dagster.keys()):
        ours, theirs = native.get(name, "nothing"), dagster.get(name, "nothing")
        if ours != theirs:
            ours, theirs = _around_difference(repr(ours), repr(theirs))
            yield f"{where} {name}:\n    native  {ours}\n    dagster {theirs}"


def _around_difference(ours: str, theirs: str) -> tuple[str, str]:
    """The parts of two texts where they begin to differ."""
    pairs = enumerate(zip(ours, theirs, strict=False))
    differs = next((place for place, (a, b) in pairs if a != b), min(len(ours), len(theirs)))
    start = max(0, differs - 200)
    before = "..." if start else ""
    return before + ours[start : start + 1000], before + theirs[start : start + 1000]


# -- What may differ -------------------------------------------------------------------------


def _run_facts(run: dict[str, Any]) -> dict[str, Any]:
    return {**run, "system_tags": _system_tags(run["system_tags"])}


def _task_fact(name: str, value: Any) -> Any:
    return _system_tags(value) if name == "system_tags" else value


def _system_tags(tags: list[str]) -> list[str]:
    """All but those that say who ran the flow (``runtime:...``), and the day."""
    return [t for t in tags if "dagster" not in t and not t.startswith(("runtime:", "date:"))]


def _stream(attempt: dict[str, Any], stream: str) -> str:
    """What was said; of a gang only the characters: a line and its end are two writes."""
    text = attempt[stream]
    if attempt["artifacts"].get("_control_mapper_tasks", "None") == "None":
        return text
    return "".join(sorted(text))


def _metadata(metadata: dict[str, Any]) -> dict[str, Any]:
    """All but what says that Dagster ran the task, and by which run, job and op.

    A native run packages its code only when it is told to (FEAT_ALWAYS_UPLOAD_CODE_PACKAGE).
    """
    own = ("runtime", "code-package")
    return {k: v for k, v in metadata.items() if not k.startswith("dagster") and k not in own}


# -- Dagster's side --------------------------------------------------------------------------


def _dagster(case_fails: bool, run: dict[str, Any], facts: dict[str, Any]) -> Iterator[str]:
    expected_status = "FAILURE" if case_fails else "SUCCESS"
    if facts["status"] != expected_status:
        yield f"the Dagster run is {facts['status']}, not {expected_status}: {facts['failures']}"
    steps = facts["steps"]
    ops = {key for key in steps if key.startswith("op_")}
    for key in sorted(steps.keys() - ops):
        if not _HELPER_OP.match(key):
            yield f"the Dagster run has a step of an unexpected kind: {key}"
    gangs = {key.split("[")[0] for key, task in run["tasks"].items() if _controls(task)}
    depths = foreach_depths(run["graph"], gangs)
    tasks: dict[str, list[Any]] = {}
    for key, task in run["tasks"].items():
        if not key.startswith("_parameters"):
            tasks.setdefault(_op_key(key, depths), []).append(task)
    succeeded = {key for key in ops if steps[key]["status"] == "SUCCESS"}
    # A task whose failure is caught is finished, but Metaflow does not call it successful.
    finished = {key for key, made in tasks.items() if all(task["finished"] for task in made)}
    for key in sorted(finished - succeeded):
        status = steps.get(key, {"status": "missing"})["status"]
        yield f"step {key} is {status} in Dagster, but Metaflow has its task as finished"
    for key in sorted(succeeded - finished):
        yield f"step {key} succeeded in Dagster without a finished task in Metaflow"
    for key in sorted(tasks.keys() - finished):
        if key not in steps or steps[key]["status"] != "FAILURE":
            yield f"step {key} did not fail in Dagster, but its Metaflow task did"
    for key in sorted(finished & succeeded):
        (task, *others), attempts = tasks[key], steps[key]["attempts"]
        if not others and attempts != len(task["attempts"]):
            yield f"step {key}: {attempts} attempts in Dagster, {len(task['attempts'])} in Metaflow"
    if not case_fails:
        ran = {key.split("[")[0].split(".")[0] for key in run["tasks"]}
        for name in sorted(run["graph"].keys() - ran):
            status = steps.get(f"op_{name}", {"status": "missing"})["status"]
            if depths[name] == 0 and status != "SKIPPED":
                yield f"step op_{name} was not chosen, but it is {status} instead of SKIPPED"


def _op_key(task_key: str, depths: dict[str, int]) -> str:
    """The Dagster step of a task: iterations of a loop and tasks of a gang share one."""
    match = re.fullmatch(r"(\w+)(?:\[(\w+)\])?(?:\.i\d+)*", task_key)
    assert match, task_key
    step, indices = match.group(1), (match.group(2) or "").split("_")
    own = indices[: depths[step]]
    return f"op_{step}" + (f"[{'_'.join(own)}]" if own else "")


def _controls(task: dict[str, Any]) -> bool:
    """Whether a task is the control task of a gang."""
    attempts = task["attempts"].values()
    return any(a["artifacts"].get("_control_mapper_tasks", "None") != "None" for a in attempts)


def foreach_depths(graph: dict[str, Any], gangs: AbstractSet[str] = frozenset()) -> dict[str, int]:
    """How many foreach indices (not counting a gang's) each step has."""
    opened = {"split-foreach": 1, "split-static": 0, "split-parallel": 0}
    stacks: dict[str, tuple[str, ...]] = {}

    def visit(name: str, stack: tuple[str, ...]) -> None:
        if name in stacks:
            return
        kind = graph[name]["type"]
        stack = stack[:-1] if kind == "join" else stack
        stacks[name] = stack
        if gangs & set(graph[name]["next"]):
            kind = "split-parallel"
        for target in graph[name]["next"]:
            visit(target, (*stack, kind) if kind in opened else stack)

    starts = graph.keys() - {t for n, step in graph.items() for t in step["next"] if t != n}
    for name in starts:
        visit(name, ())
    return {name: sum(opened[kind] for kind in stack) for name, stack in stacks.items()}
