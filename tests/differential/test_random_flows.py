"""Random flows behave in Dagster as they do natively.

``--random-flows N`` compares N of them, from ``--random-seed`` on.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from .cases import Case
from .conftest import Check
from .flowgen import random_flow


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    first = metafunc.config.getoption("--random-seed")
    count = metafunc.config.getoption("--random-flows")
    metafunc.parametrize("seed", range(first, first + count))


def test_random_flow(check: Check, tmp_path: Path, seed: int) -> None:
    source = random_flow(seed)
    path = tmp_path / "random_flow.py"
    path.write_text(source)
    print(source)  # shown when the test fails
    check(Case(str(path)))
