"""However Dagster runs a job, it leaves the same."""

from __future__ import annotations

import pytest

from .cases import Case
from .conftest import Check
from .runs import ENGINES

# Dagster's own processes take longest; tests of cancelling and of lost results have them too.
RUNS = [pytest.param(e, marks=pytest.mark.slow) if e == "multiprocess" else e for e in ENGINES]


@pytest.mark.parametrize("engine", RUNS[1:])
def test_engine(check: Check, engine: str) -> None:
    # Engines that start a process for each step take their time: one item is enough for them.
    size = 2 if engine in ("cold", "in_process", "moved", "thin") else 1
    check(Case("engines", {"size": size}), engine=engine)
