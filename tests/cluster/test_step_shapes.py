"""Shapes of graphs with each op in a pod of dagster-k8s's executor, held to native runs.

``--all-shapes`` takes all of those that tests/differential compares, in some hours.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from differential.cases import SHAPES, Case
from support.kubernetes_api import Cluster

from .conftest import Check
from .dagster_pods import configure, step_pods, step_workers

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

SOME = ("nested_switch", "foreach_loop", "parallel_split")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    every = metafunc.config.getoption("--all-shapes")
    cases = [case for case in SHAPES if every or case.id in SOME]
    metafunc.parametrize("case", cases, ids=lambda case: case.id)


@pytest.fixture
def dagster_home(tmp_path: Path, cluster: Cluster, env: dict[str, str]) -> Path:
    """A Dagster that tells pods where it is."""
    home = tmp_path / "dagster_home"
    home.mkdir()
    configure(home, cluster, env)
    return home


def test_shape_in_pods_of_steps(check: Check, cluster: Cluster, tmp_path: Path, case: Case) -> None:
    where = rf"{tmp_path}/cluster/pods/[0-9a-f-]+/home"
    # How often the executor looks for what its pods have done: by default once a second.
    env = {"DAGSTER_STEP_DELEGATING_EXECUTOR_SLEEP_SECONDS": "0.2"}
    case = replace(case, create_options=tuple(step_pods(cluster)), sources=(where,), env=env)
    facts = check(case)["facts"]
    ran = [step for step in facts["steps"].values() if step["status"] in ("SUCCESS", "FAILURE")]
    assert len(step_workers(cluster)) == sum(step["attempts"] for step in ran)
