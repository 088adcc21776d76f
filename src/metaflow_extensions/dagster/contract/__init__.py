"""What processes of ours agree on: ids, names and rules that must be the same everywhere.

It imports the standard library only. The emitter copies from here what a generated file needs, as
it does from the ``runtime`` modules, hence the names with underscores.
"""

import hashlib
from collections.abc import Sequence

HELPER_TAG = "metaflow/helper"  # of an op that runs no task: which helper it is


def _make_run_id(dagster_run_id: str) -> str:
    """Derive a short, deterministic Metaflow run id from Dagster's UUID."""
    return "dagster-" + hashlib.sha1(dagster_run_id.encode()).hexdigest()[:12]


def _make_task_id(step_name: str, item: Sequence[int] = ()) -> str:
    """A task id that no other task of the run has: `train`, `train-2-0` for a foreach item.

    Re-executions and rounds of a loop add a suffix. It is never a bare integer, as Metaflow's local
    metadata registers only tasks with other ids (plugins/metadata_providers/local.py).
    """
    return "-".join([step_name, *map(str, item)])


def _redo_suffix(dagster_run_id: str) -> str:
    """What tasks get that are run again by a Dagster run that re-executes a part of another."""
    return ".r" + hashlib.sha1(dagster_run_id.encode()).hexdigest()[:6]


def _round_suffix(iteration: int) -> str:
    """What the tasks of a recursive switch get, by round."""
    return f".i{iteration}"


def _transition_error(
    step_name: str,
    next_steps: Sequence[str],
    expected: Sequence[str],
    is_switch: bool,
    is_ok: bool,
) -> str | None:
    """Why the run cannot go on after a task, in Metaflow's words; None if it can.

    Source: `_queue_tasks` in metaflow/runtime.py, which compares what `self.next()` was called
    with to the graph. A process that ended before it got there has called it with nothing. Beyond
    that, a task has to have come to its end (`is_ok`): Metaflow itself would go on after a last
    step, a gang, or a call of `self.next()`, and leave a task that does not count as successful.
    """
    actual, known = ", ".join(next_steps) or "nothing", ", ".join(expected)
    if is_switch and len(next_steps) != 1:
        return (
            f"Switch step {step_name} should transition to exactly one step at runtime, "
            f"but got: {actual}"
        )
    if is_switch and next_steps[0] not in expected:
        return (
            f"Switch step {step_name} transitioned to unexpected step {actual}. Expected "
            f"one of: {known}"
        )
    if not is_switch and list(next_steps) != list(expected):
        return (
            f"Based on static analysis of the code, step {step_name} was expected to "
            f"transition to step(s) {known}. However, when the code was executed, "
            f"self.next() was called with {actual}. Make sure there is only one "
            "unconditional self.next() call in the end of your step."
        )
    return None if is_ok else f"Step {step_name} ended its process before it was done."
