"""Options of the test suite."""

from __future__ import annotations

import os
import sys

import pytest

pytest_plugins = ["support.needs", "support.postgres", "support.remote"]

# The processes of a native gang are started by the name `python`, and pyright looks for it too.
os.environ["PATH"] = os.pathsep.join([os.path.dirname(sys.executable), os.environ["PATH"]])


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("metaflow-dagster")
    group.addoption(
        "--engine",
        default="default",
        choices=["default", "cold", "in_process", "multiprocess", "plain", "moved", "thin"],
        help="How Dagster runs the jobs of the differential tests; plain hides this package.",
    )
    group.addoption(
        "--random-flows",
        type=int,
        metavar="N",
        default=6,
        help="How many random flows to compare (make test-all: thousands).",
    )
    group.addoption(
        "--all-shapes",
        action="store_true",
        help="Run every shape of graph in pods, not some (make test-cluster-shapes).",
    )
    group.addoption(
        "--chaos-runs",
        type=int,
        metavar="N",
        default=2,
        help="How many runs on each cluster lose parts of it (make chaos: 50).",
    )
    group.addoption(
        "--shrink",
        type=int,
        default=0,
        metavar="N",
        help="When a random flow fails, try N smaller ones.",
    )
    group.addoption(
        "--random-seed",
        type=int,
        default=0,
        metavar="SEED",
        help="Seed of the first random flow, which the others follow, and of chaos.",
    )
