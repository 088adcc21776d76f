"""Fixtures for tests that run a deployed flow."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from support.project import Project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


@pytest.fixture
def eventually() -> Callable[[Callable[[], bool], float], None]:
    """Wait until something is true, and fail where it does not become so in time."""

    def wait(condition: Callable[[], bool], seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, "it did not happen in time"
            time.sleep(0.1)

    return wait
