"""Steps with environments of their own leave what a native run leaves."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest
from support import micromamba

from .cases import Case
from .conftest import Check


def test_conda_and_pypi(check: Check, tmp_path: Path) -> None:
    micromamba.install(tmp_path / "bin")
    env = {
        "PATH": f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "STANDIN_ROOT": str(tmp_path / "root"),
        "STANDIN_LOG": str(tmp_path / "log"),
        "STANDIN_VERSION": "1.5",
    }
    case = Case("environments", top_options=("--environment=conda",), env=env)
    # The id in this field depends on the datastore's folder, which is another one natively.
    check(replace(case, ignore=("metadata conda_env_prefix",)))


@pytest.mark.parametrize("engine", ["default", "moved"])
def test_uv(check: Check, tmp_path: Path, engine: str) -> None:
    """Its two files go into the package; where steps run, uv has made the environment."""
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "linear"\nversion = "1"\n')
    (tmp_path / "uv.lock").write_text("version = 1\n")
    check(Case("linear", top_options=("--environment=uv",)), engine=engine)
