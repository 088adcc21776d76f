"""Definitions files that earlier versions of the package made, with the package of today.

``older_files`` has one file a version, of flows/shapes.py; ``FREEZE=1`` adds that of this version,
or writes it anew before the release. A file carries its helpers, and calls the installed package
for the rest. Its constants name a code package, which a test cannot keep: those of a file made
now take their place.
"""

from __future__ import annotations

import ast
import json
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from metaflow_extensions.dagster.version import __version__

from .conftest import Embedded
from .test_resume import REDO

FILES = Path(__file__).parent / "older_files"
FREEZE = bool(os.environ.get("FREEZE"))
VERSIONS = {path.stem for path in FILES.glob("*.txt")} | ({__version__} if FREEZE else set())
REDO_END = """
os.remove("fail-end")
redo()
"""


def constants(source: str) -> dict[str, ast.AnnAssign | ast.Assign]:
    """The assignments to constants of the deployment, by name."""
    found: dict[str, ast.AnnAssign | ast.Assign] = {}
    for node in ast.parse(source).body:
        if isinstance(node, (ast.Assign, ast.AnnAssign)):
            target = node.target if isinstance(node, ast.AnnAssign) else node.targets[0]
            if isinstance(target, ast.Name) and re.fullmatch("[A-Z][A-Z_]+", target.id):
                found[target.id] = node
    return found


def moved(older: str, now: str) -> str:
    """The older file as it would have been made for the deployment of the other one."""
    lines, made_now = older.splitlines(), constants(now)
    for name, node in reversed(constants(older).items()):
        if name in made_now and not isinstance(node.value, ast.Call):
            value = ast.get_source_segment(now, made_now[name])
            lines[node.lineno - 1 : node.end_lineno] = [value or ""]
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("version", sorted(VERSIONS))
@pytest.mark.timeout(300)
def test_an_older_file_runs_and_goes_on_with_its_run(
    embedded: Callable[..., Embedded], version: str
) -> None:
    project = embedded("shapes")
    file = project.folder / "defs.py"
    if FREEZE and version == __version__:
        text = file.read_text().replace(str(project.folder), "/project")
        (FILES / f"{version}.txt").write_text(text)
    file.write_text(moved((FILES / f"{version}.txt").read_text(), file.read_text()))

    project.touch("fail-end")
    run_id = project.start("trigger", "--need", "it", code=1)
    before = project.tasks(f"Shapes/{run_id}")
    assert before.pop("end") == []
    project.run(sys.executable, "-c", REDO + REDO_END, str(project.home), "Shapes")
    after = project.tasks(f"Shapes/{run_id}")
    assert len(after.pop("end")) == 1
    assert after == before
    assert project.query(f"Run('Shapes/{run_id}').successful")

    project.touch("fail-end")
    failed = project.start("trigger", "--need", "it", code=1)
    project.remove("fail-end")
    resumes = file.read_text().replace("_ID: str | None = None", f"_ID: str | None = {failed!r}")
    (project.folder / "resume.py").write_text(resumes)
    config = {"ops": {"op_start": {"config": {"need": "it"}}}}
    (project.folder / "config.yaml").write_text(json.dumps(config))
    dagster = [sys.executable, "-m", "dagster", "job", "execute", "-f", "resume.py", "-j", "Shapes"]
    project.run(*dagster, "-c", "config.yaml", DAGSTER_HOME=str(project.home))
    resumed = project.query("Flow('Shapes').latest_run.pathspec")
    assert project.query(f"Run({resumed!r}).successful")
    assert project.cloned(resumed).keys() == after.keys()
