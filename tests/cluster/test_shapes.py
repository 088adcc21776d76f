"""Shapes of graphs with each task in a pod (``--with kubernetes``), natively and in Dagster.

``--all-shapes`` takes those that tests/differential compares and pods can run, in some hours.
"""

from __future__ import annotations

from dataclasses import replace

import pytest
from differential.cases import SHAPES, Case

from .conftest import Check

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

SOME = ("split_foreach", "foreach_switch[kinds=bb]", "loop[times=3]")
LEFT_OUT = (
    "unbounded_foreach",  # of Metaflow's own tests: it starts its tasks as processes beside it
    # What Metaflow or Kubernetes refuses natively too:
    "parallel_split",  # a gang of one
    "name_clashes",  # names of steps that end with an underscore, which a label cannot do
)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    every = metafunc.config.getoption("--all-shapes")
    cases = [
        replace(case, top_options=("--with", "kubernetes"))
        for case in SHAPES
        if case.flow not in LEFT_OUT and (every or case.id in SOME)
    ]
    metafunc.parametrize("case", cases, ids=lambda case: case.id)


def test_shape_in_pods(check: Check, case: Case) -> None:
    check(case)
