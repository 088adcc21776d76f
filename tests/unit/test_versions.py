"""The oldest versions are the same wherever they are said, and one that is unknown is named."""

from __future__ import annotations

import gc
import re
import sys
from pathlib import Path

import dagster
import pytest

from metaflow_extensions.dagster._metaflow_internals import TESTED
from metaflow_extensions.dagster.errors import DagsterRunError
from metaflow_extensions.dagster.targets.run_process import Home, StoredRun
from metaflow_extensions.dagster.targets.runs import Launch

ROOT = Path(__file__).parents[2]


def test_the_floor_is_what_the_package_promises() -> None:
    lines = (ROOT / "tests" / "floor.txt").read_text().splitlines()
    pinned = dict(line.split("==") for line in lines if not line.startswith("#"))
    project = (ROOT / "pyproject.toml").read_text()
    bound = r'"(metaflow|jinja2|dagster[a-z0-9-]*)(?:\[\w+\])?>=([\d.]+)"'
    promised = dict(re.findall(bound, project))
    assert promised.keys() <= pinned.keys()
    for package, oldest in promised.items():
        assert pinned[package] == f"{oldest}.0", package
    assert TESTED[0] == pinned["metaflow"]
    assert 'requires-python = ">=3.10"' in project


def test_a_dagster_that_runs_no_job_from_here_is_named(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(dagster, "__version__", "2.0.0")
    monkeypatch.setitem(sys.modules, "dagster._core.code_pointer", None)
    targets = "metaflow_extensions.dagster.targets._dagster_internals"
    monkeypatch.delitem(sys.modules, targets, raising=False)
    home = Home(str(tmp_path), embedded=True)
    try:
        with pytest.raises(DagsterRunError, match=r"Dagster 2\.0\.0 .*code_pointer.*--url"):
            StoredRun(home, Launch("id", "job", str(tmp_path / "defs.py"), {}, {}))
    finally:
        gc.enable()
