"""Fixtures that run a case both ways and compare."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support.needs import require

from . import compare, runs
from .cases import Case

Check = Callable[..., dict[str, Any]]

_SHOWN = 25
"""Differences in a report; one wrong input changes every task after it."""


@pytest.fixture(scope="session")
def engine(pytestconfig: pytest.Config) -> str:
    return str(pytestconfig.getoption("--engine"))


@pytest.fixture(scope="session")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[runs.Reader]:
    reader = runs.Reader(tmp_path_factory.mktemp("reader"))
    yield reader
    reader.close()


@pytest.fixture(scope="session")
def launcher(tmp_path_factory: pytest.TempPathFactory) -> Iterator[runs.Launcher]:
    launcher = runs.Launcher(tmp_path_factory.mktemp("launcher"))
    yield launcher
    launcher.close()


@pytest.fixture(scope="session")
def dagster_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One Dagster instance for all runs of a test worker: they do not see each other."""
    return runs.make_home(tmp_path_factory.mktemp("dagster") / "home")


@pytest.fixture(scope="session")
def native_cache(pytestconfig: pytest.Config) -> Path:
    assert pytestconfig.cache is not None
    return Path(pytestconfig.cache.mkdir("native-runs"))


@pytest.fixture
def check(
    tmp_path: Path,
    reader: runs.Reader,
    launcher: runs.Launcher,
    dagster_home: Path,
    native_cache: Path,
    engine: str,
) -> Check:
    """Run a case both ways and hold the runs to the same result.

    Returns the summary of Dagster's run, for checks that only one flow needs.
    """

    numbers = itertools.count()

    def check(case: Case, engine: str = engine) -> dict[str, Any]:
        require(*case.needs)
        folder = tmp_path / f"run{next(numbers)}"
        native = runs.run_native_once(case, folder / "native", reader, native_cache)
        made, facts, output = runs.run_dagster(
            case, folder / "dagster", reader, launcher, dagster_home, engine
        )
        if made is None:
            pytest.fail(f"Dagster's run made no Metaflow run:\n{output[-6000:]}", pytrace=False)
        found = compare.differences(native, made) + compare.mismatches(case.fails, made, facts)
        found = [d for d in found if not any(pattern in d for pattern in case.ignore)]
        if found:
            text = "\n".join(f"- {difference}" for difference in found[:_SHOWN])
            failures = "\n".join(f"{step}: {why}" for step, why in facts["failures"].items())
            pytest.fail(f"{len(found)} differences:\n{text}\n{failures}", pytrace=False)
        return {"native": native, "dagster": made, "facts": facts, "output": output}

    return check
