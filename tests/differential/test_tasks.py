"""What a task leaves behind is what it leaves natively: attempts, failures, logs, cards, tags."""

from __future__ import annotations

import pytest

from .cases import Case
from .conftest import Check

TASKS = [
    *[Case("task_retries", {"how": how}) for how in ("raise", "kill", "leave")],
    # The node beside one that fails may be ended in time or not, natively too.
    Case("task_retries_gang", {"node": 0}, ignore=("gang[0], attempt 0 std", "gang[1], attempt 0")),
    Case("task_retries_gang", {"node": 1}),
    Case("task_catch"),
    Case("task_timeout"),
    *[
        Case("task_fails", {"how": how}, fails=True)
        for how in ("raise", "kill", "crash", "no_retry", "leave")
    ],
    *[
        Case("task_fails_at", {"where": where}, fails=True)
        for where in ("start", "item", "join", "decide", "again", "gang", "end")
    ],
    *[
        Case("task_early_exit", {"where": where, "how": how}, fails=True, ignore=tuple(ignore))
        for where, how, *ignore in (
            ("start", "exit"),
            # What a native task has not flushed is lost; here nothing is held back.
            ("item", "os", "item[0], attempt 0 stdout"),
            ("join", "help"),
            ("decide", "exit"),
            ("again", "exit"),
            ("end", "os", "end, attempt 0 stdout"),
        )
    ],
    *[
        Case("task_early_exit_switch", {"where": where}, fails=True)
        for where in ("decide", "left", "merge")
    ],
    Case("task_ids", ignore=("artifact ids", "artifact x")),
    Case("task_environment", tags=("tag:ü", "two words", "quote'\"$x")),
    Case("task_logs"),
    Case("task_cards"),
    Case("task_project"),
    Case("task_project", top_options=("--branch", "exp_1")),
    # Deployed to production, a flow runs as its production token, not as a user.
    Case(
        "task_project",
        top_options=("--production",),
        ignore=("system_tags:", "metadata user:", "metadata production:"),
    ),
    Case("task_configs"),
    Case("task_configs", top_options=("--config-value", "parsed", "c=3")),
    Case("task_artifacts"),
    Case(
        "task_artifacts",
        {"number": -4, "flag": True, "text": "a 'b' \"c\" $d\n✓", "some-json": {"k": ["é"]}},
    ),
]


@pytest.mark.parametrize("case", TASKS, ids=lambda case: "".join((case.id, *case.top_options)))
def test_task(check: Check, case: Case) -> None:
    check(case)
