"""Random flows behave in Dagster as they do natively.

``--random-flows N`` compares N of them, from ``--random-seed`` on. ``--shrink N`` tries N smaller
flows when one fails, and reports the smallest that still fails.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from .cases import Case
from .conftest import Check
from .flowgen import LEAVES, Block, random_tree, smaller, write
from .runs import NativeError


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "seed" in metafunc.fixturenames:
        first = int(metafunc.config.getoption("--random-seed") or 0)
        count = int(metafunc.config.getoption("--random-flows") or 0)
        metafunc.parametrize("seed", range(first, first + count))


def test_random_flow(check: Check, tmp_path: Path, pytestconfig: pytest.Config, seed: int) -> None:
    def failure(tree: tuple[Block, ...]) -> str:
        """How the flow of a tree differs; empty if it does not."""
        path = tmp_path / "random_flow.py"
        source = write(tree, seed)
        path.write_text(source)
        # Ids differ; how many they are, and where joins find them to differ, does not.
        ids = ("artifact ids:", "artifact own_id:")
        try:
            check(Case(str(path), fails=LEAVES in source, ignore=ids))
        except NativeError:
            raise
        except (AssertionError, pytest.fail.Exception) as error:
            return str(error)
        return ""

    tree = random_tree(seed)
    what = failure(tree)
    tries = int(pytestconfig.getoption("--shrink") or 0) if what else 0
    candidates = smaller(tree)
    for _ in range(tries):
        candidate = next(candidates, None)
        if candidate is None:
            break
        try:
            found = failure(candidate)
        except NativeError:
            continue
        if found:
            tree, what, candidates = candidate, found, smaller(candidate)
    if what:
        pytest.fail(f"seed {seed}\n{what}\n{write(tree, seed)}", pytrace=False)


def test_smaller_trees_are_flows_too() -> None:
    for seed in range(40):
        tree = random_tree(seed)
        for candidate in smaller(tree):
            assert candidate != tree
            compile(write(candidate, seed), "random_flow.py", "exec")
