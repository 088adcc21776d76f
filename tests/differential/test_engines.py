"""However Dagster runs a job, it leaves the same."""

from __future__ import annotations

import pytest

from .cases import Case
from .conftest import Check
from .runs import ENGINES


@pytest.mark.parametrize("engine", ENGINES[1:])
def test_engine(check: Check, engine: str) -> None:
    check(Case("engines"), engine=engine)
