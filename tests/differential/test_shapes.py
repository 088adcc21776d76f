"""Every shape of graph that Metaflow accepts, natively and through Dagster."""

from __future__ import annotations

import pytest

from .cases import SHAPES, Case
from .conftest import Check


@pytest.mark.parametrize("case", SHAPES, ids=lambda case: case.id)
def test_shape(check: Check, case: Case) -> None:
    check(case)
