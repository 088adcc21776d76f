"""The install lines of the docs, in an environment that they fill from the package index."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from docs.pages import Block, blocks

ROOT = Path(__file__).resolve().parents[2]
# The first one makes the environment that all others install into.
PAGES = ("docs/getting-started.md", "README.md", "docs/deploy.md")
EXTRAS = {  # what each brings that a page needs
    "ui": "dagster_webserver, nbconvert",
    "postgres": "dagster_postgres",
    "celery": "dagster_celery, redis",
    "dask": "distributed",
    "k8s": "dagster_k8s",
    "docker": "dagster_docker",
}


def install_lines() -> list[str]:
    ours = "tests/package/test_install.py runs it"
    found: list[Block] = []
    for page in PAGES:
        text = (ROOT / page).read_text(encoding="utf-8")
        found += [block for block in blocks(text) if block.not_run == ours]
    return [command.text for block in found for command in block.commands]


@pytest.mark.slow
def test_install_lines(tmp_path):
    for name in ("src", "examples"):
        shutil.copytree(ROOT / name, tmp_path / name)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tmp_path)
    lines = install_lines()
    assert lines[0].startswith("python3 -m venv .venv")
    # Extras that no line of a page installs by themselves.
    lines.append("pip install '.[celery,k8s,docker]'")
    env = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "VIRTUAL_ENV")}
    env["CHECKOUT"] = str(tmp_path)
    bin_of_python = Path(sys.executable).resolve().parent
    env["PATH"] = f"{bin_of_python}{os.pathsep}{os.environ['PATH']}"

    def run(*commands: str) -> str:
        done = subprocess.run(
            ["bash", "-ec", "\n".join(commands)],
            cwd=tmp_path,
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert done.returncode == 0, done.stdout[-4000:]
        return done.stdout

    run(*lines)
    activate = ". .venv/bin/activate"
    for modules in EXTRAS.values():
        run(activate, f"python -c 'import {modules}'")
    run(activate, "pip check")
    shutil.copy(ROOT / "examples" / "resume_flow.py", tmp_path)
    run(activate, "METAFLOW_USER=reader python resume_flow.py dagster create defs.py")
