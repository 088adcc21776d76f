"""Generated files of many flows, in both forms, pass the checkers of a project as they are."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from differential.flowgen import random_tree, write
from support.needs import OWN_ENDS

TESTS = Path(__file__).parents[1]
FLOWS, EXAMPLES = TESTS / "flows", TESTS.parent / "examples"
NEW_METAFLOW = {"custom_ends"}  # flows that the oldest one cannot load
# The first needs micromamba (tests/differential/test_environments.py), the others a datastore that
# pods can reach (tests/cluster).
ELSEWHERE = {"early_exit_pods", "environments", "one_pod", "parallel_pods", "pods", "timeout_pods"}
FEW = (
    "foreach_switch_nested",
    "helper_names",
    "loops",
    "nested3",
    "parallel_nested",
    "switch_start",
)


def corpus(names: Iterable[str] | None = None) -> list[Path]:
    """The flows of the corpus; its other modules are what these import."""
    paths = sorted(FLOWS.glob("*.py")) if names is None else [FLOWS / f"{n}.py" for n in names]
    found = [p for p in paths if "__main__" in p.read_text() and p.stem not in ELSEWHERE]
    return [p for p in found if OWN_ENDS.is_here or p.stem not in NEW_METAFLOW]


def create(folder: Path, flow: Path) -> None:
    """Both files of a flow; those that need an option for it are not of interest here."""
    for form in ("embedded", "package"):
        done = subprocess.run(
            [sys.executable, str(flow), "--quiet", "--no-pylint", "dagster", "create"]
            + [str(folder / f"{flow.stem}_{form}.py"), f"--runtime={form}"],
            cwd=flow.parent,
            env={**os.environ, "USER": "golden", "METAFLOW_DATASTORE_SYSROOT_LOCAL": str(folder)},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, (flow, done.stdout + done.stderr)


def check(folder: Path, flows: list[Path]) -> None:
    """Create the files of these flows, and have all of them checked at once."""
    out = folder / "out"
    out.mkdir()
    with ThreadPoolExecutor(2) as threads:
        list(threads.map(lambda flow: create(out, flow), flows))
    assert len(list(out.glob("*.py"))) == 2 * len(flows)
    for tool in (
        ["ruff", "check", "--isolated", "."],
        ["ruff", "format", "--isolated", "--check", "."],
        ["pyright", "."],
        ["mypy", "--no-incremental", "."],
    ):
        done = subprocess.run(
            [sys.executable, "-m", *tool], cwd=out, capture_output=True, text=True
        )
        assert done.returncode == 0, (tool, (done.stdout + done.stderr)[-4000:])


@pytest.fixture
def flows(tmp_path: Path) -> Path:
    """A copy of the corpus, as a flow's folder goes into its code package."""
    return Path(shutil.copytree(FLOWS, tmp_path / "flows"))


def test_examples_and_some_shapes(tmp_path: Path) -> None:
    check(tmp_path, [*sorted(EXAMPLES.glob("*_flow.py")), *corpus(FEW)])


@pytest.mark.slow
def test_the_corpus_and_random_flows(tmp_path: Path, flows: Path) -> None:
    made = [flows / path.name for path in corpus()]
    for seed in range(50):
        path = flows / f"random_{seed}.py"
        path.write_text(write(random_tree(seed), seed))
        made.append(path)
    check(tmp_path, made)
