"""Steps with @conda and @pypi use the environment that was deployed, made once for a machine."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import pytest
from metaflow.plugins.pypi.utils import conda_platform
from support import micromamba
from support.project import Project
from support.remote import Remote

from metaflow_extensions.dagster._metaflow_internals.environments import packages_missing_in
from metaflow_extensions.dagster.errors import DagsterRunError
from metaflow_extensions.dagster.step.environments import _check_id, _solution

FLOW = """
from metaflow import FlowSpec, conda, retry, step

class Solved(FlowSpec):
    @conda(disabled=True)
    @step
    def start(self):
        self.items = [1, 2, 3]
        self.next(self.work, foreach="items")

    @retry(times=1, minutes_between_retries=0)
    @conda(packages={"widget": ">=1"})
    @step
    def work(self):
        import sys, widget
        self.version = widget.VERSION
        self.prefix = sys.prefix
        self.next(self.join)

    @conda(disabled=True)
    @step
    def join(self, inputs):
        self.versions = [i.version for i in inputs]
        self.next(self.end)

    @conda(disabled=True)
    @step
    def end(self):
        pass

if __name__ == "__main__":
    Solved()
"""
WHEELS = """
from metaflow import FlowSpec, conda, pypi, step

class Wheels(FlowSpec):
    @pypi(packages={"gadget": ">=1"})
    @step
    def start(self):
        import gadget
        self.versions = [gadget.VERSION]
        self.next(self.work)

    @conda(packages={"widget": ">=1"})
    @step
    def work(self):
        import widget
        self.versions.append(widget.VERSION)
        self.next(self.end)

    @pypi(disabled=True)
    @step
    def end(self):
        pass

if __name__ == "__main__":
    Wheels()
"""
DEFINITION = {
    "id_": "0123456789abcde",
    "conda": {"python": "3.12.1", "platforms": ["linux-64"]},
    "pypi": {"python": "3.12.1", "platforms": ["linux-64"]},
}


@pytest.fixture
def solved(project: Project, tmp_path: Path) -> Project:
    micromamba.install(tmp_path / "bin")
    project.env["PATH"] = f"{tmp_path / 'bin'}{os.pathsep}{project.env['PATH']}"
    _machine(project, "first", tmp_path)
    project.env["STANDIN_VERSION"] = "1.5"
    project.env["METAFLOW_DATASTORE_SYSROOT_LOCAL"] = str(project.folder)
    project.env["METAFLOW_DEFAULT_ENVIRONMENT"] = "conda"
    return project


def _machine(project: Project, name: str, tmp_path: Path) -> Path:
    folder = tmp_path / name
    (folder / "tmp").mkdir(parents=True)
    project.env |= {
        "METAFLOW_DATASTORE_SYSROOT_LOCAL": str(folder),
        "METAFLOW_DAGSTER_CACHE": str(folder / "cache"),
        "METAFLOW_HOME": str(folder / "home"),
        "STANDIN_ROOT": str(folder / "root"),
        "STANDIN_LOG": str(folder / "log"),
        "STANDIN_KILL": str(folder / "kill"),
        "TMPDIR": str(folder / "tmp"),
    }
    return folder


def test_another_machine_makes_the_deployed_environment_once(
    solved: Project, tmp_path: Path
) -> None:
    """Though the first process that makes it is killed half way."""
    solved.deploy(FLOW)
    packages = _packages(solved)
    second = _machine(solved, "second", tmp_path)
    solved.env["STANDIN_VERSION"] = "2.0"
    (solved.folder / ".metaflow" / "Solved" / "conda.manifest").unlink()
    (second / "kill").touch()
    solved.execute("Solved")
    calls = (second / "log").read_text().splitlines()
    assert not (second / "kill").exists()
    assert not [call for call in calls if "--dry-run" in call]
    assert len([call for call in calls if "create" in call and "--prefix " in call]) == 2
    assert _packages(solved) == packages
    left = [path for path in Path("/tmp").glob("tmp*/flow.py") if path.read_text() == FLOW]
    assert not left
    assert not list((second / "tmp").iterdir())
    solved.env["METAFLOW_DATASTORE_SYSROOT_LOCAL"] = str(solved.folder)
    versions = solved.query("Flow('Solved').latest_run['join'].task['versions'].data")
    assert versions == ["1.5"] * 3


@pytest.mark.parametrize("runtime", ["embedded", "package"])
def test_a_machine_with_another_environment_fails_in_one_line(
    solved: Project, runtime: str
) -> None:
    solved.deploy(WHEELS, f"--runtime={runtime}")
    path = solved.folder / "defs.py"
    before, _, after = path.read_text().partition("STEP_CONDA_ENV_IDS: dict[str, str] = {")
    ids, after = after.split("}", 1)
    assert re.findall(r'"(\w+)": "[0-9a-f]{15}"', ids) == ["start", "work"]
    deployed = re.findall("[0-9a-f]{15}", ids)[0]
    ids = ids.replace(deployed, "of-another")
    path.write_text(f"{before}STEP_CONDA_ENV_IDS: dict[str, str] = {{{ids}}}{after}")
    output = solved.execute("Wheels", check=False)
    text = output.stdout + output.stderr
    assert "Step start was deployed with the environment of-another, and has" in text
    assert f"has {deployed} on this machine: with Python {sys.version.split()[0]}" in text
    assert "Traceback" not in text.split("was deployed with the environment")[0][-300:]


@pytest.mark.slow
def test_without_a_network_packages_come_from_the_datastore(
    solved: Project, tmp_path: Path, remote: Remote
) -> None:
    solved.env |= remote.env | {"METAFLOW_DEFAULT_METADATA": "local"}
    solved.env["METAFLOW_DEFAULT_ENVIRONMENT"] = "pypi"
    solved.deploy(WHEELS)
    second = _machine(solved, "second", tmp_path)
    del solved.env["STANDIN_VERSION"]
    solved.execute("Wheels")
    calls = (second / "log").read_text().splitlines()
    assert len([call for call in calls if "create" in call and "--prefix " in call]) == 2
    assert not [call for call in calls if "pip3" in call and " download " in call]
    solved.env["METAFLOW_DATASTORE_SYSROOT_LOCAL"] = str(solved.folder)
    run = "Flow('Wheels').latest_run"
    assert solved.query(f"{run}['end'].task['versions'].data") == ["1.5", "1.5"]


@pytest.mark.parametrize(
    ("manifest", "missing"),
    [
        (None, "no conda packages"),
        ("{}", "no conda packages"),
        ('{"0123456789abcde": {"osx-64": {"conda": []}}}', "no conda packages"),
        ('{"0123456789abcde": {"linux-64": {"conda": []}}}', "no pypi packages"),
    ],
)
def test_a_solution_that_is_missing_is_not_made_anew(
    tmp_path: Path, manifest: str | None, missing: str
) -> None:
    if manifest is not None:
        (tmp_path / ".mf_meta").mkdir()
        (tmp_path / ".mf_meta" / "conda.manifest").write_text(manifest)
    with pytest.raises(DagsterRunError, match=f"{missing} for linux-64.*step work.*Deploy"):
        _solution("work", DEFINITION, str(tmp_path))


def test_an_environment_of_another_solution_is_not_taken_for_the_deployed_one(
    tmp_path: Path,
) -> None:
    (tmp_path / "conda-meta").mkdir()
    (tmp_path / "conda-meta" / "widget-2.0-0.json").touch()
    (tmp_path / ".pip").mkdir()
    (tmp_path / ".pip" / "metadata").write_text('{"https://i/gadget-1.whl": "x"}')

    def missing(conda: str, pypi: str) -> list[str]:
        packages = {"conda": [{"url": conda}], "pypi": [{"url": pypi}]}
        return packages_missing_in(str(tmp_path), {str(conda_platform()): packages})

    assert missing("https://c/widget-2.0-0.tar.bz2", "https://i/gadget-1.whl") == []
    assert missing("https://c/widget-1.5-0.conda", "https://i/gadget-2.whl") == [
        "widget-1.5-0",
        "https://i/gadget-2.whl",
    ]


def test_definitions_files_without_ids_are_not_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("METAFLOW_DAGSTER_STEP_ENVIRONMENT_ID", raising=False)
    _check_id("work", "0123456789abcde", DEFINITION)


def _packages(project: Project) -> set[Path]:
    data = project.folder / ".metaflow" / "Solved" / "data"
    return {path for path in data.glob("*/*") if path.stat().st_size > 500_000}
