"""With data in S3 and metadata in the service: what is left is what a native run leaves there."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.remote import Remote

from ..cases import Case
from ..conftest import Check

# Together: each shape of graph, retries and a killed attempt, logs, cards.
SHAPES, RETRIES, CARDS = Case("engines", {"size": 2}), Case("task_retries"), Case("task_cards")
# "moved": the run's machine has nothing but the definitions file and the network.
RUNS = [("default", Case("engines", {"size": 1})), ("moved", Case("linear"))]
DEAR = [("default", SHAPES), ("moved", SHAPES), ("moved", RETRIES), ("moved", CARDS)]
RUNS += [pytest.param(*run, marks=pytest.mark.slow) for run in DEAR]


@pytest.mark.parametrize(("engine", "case"), RUNS, ids=lambda value: getattr(value, "id", value))
def test_remote(check: Check, remote: Remote, case: Case, engine: str) -> None:
    check(replace(case, env={**case.env, **remote.env}, metadata=remote.metadata), engine=engine)
