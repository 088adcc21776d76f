"""The oldest versions are the same wherever they are said."""

from __future__ import annotations

import re
from pathlib import Path

from metaflow_extensions.dagster._metaflow_internals import TESTED

ROOT = Path(__file__).parents[2]


def test_the_floor_is_what_the_package_promises() -> None:
    lines = (ROOT / "tests" / "floor.txt").read_text().splitlines()
    pinned = dict(line.split("==") for line in lines if not line.startswith("#"))
    project = (ROOT / "pyproject.toml").read_text()
    promised = dict(
        re.findall(r'"(metaflow|jinja2|dagster[a-z-]*)(?:\[\w+\])?>=([\d.]+)"', project)
    )
    assert promised.keys() <= pinned.keys()
    for package, oldest in promised.items():
        assert pinned[package] == f"{oldest}.0", package
    assert TESTED[0] == pinned["metaflow"]
    assert 'requires-python = ">=3.10"' in project
