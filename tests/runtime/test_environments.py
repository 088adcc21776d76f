"""Steps with @conda use the environment that was deployed, made once for a machine."""

from __future__ import annotations

import os
from pathlib import Path

from support import micromamba
from support.project import Project

FLOW = """
from metaflow import FlowSpec, conda, step

class Solved(FlowSpec):
    @conda(disabled=True)
    @step
    def start(self):
        self.items = [1, 2, 3]
        self.next(self.work, foreach="items")

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
        self.prefixes = [i.prefix for i in inputs]
        self.next(self.end)

    @conda(disabled=True)
    @step
    def end(self):
        pass

if __name__ == "__main__":
    Solved()
"""


def _machine(project: Project, name: str, tmp_path: Path) -> Path:
    folder = tmp_path / name
    (folder / "tmp").mkdir(parents=True)
    project.env |= {
        "METAFLOW_DATASTORE_SYSROOT_LOCAL": str(folder),
        "METAFLOW_DAGSTER_CACHE": str(folder / "cache"),
        "METAFLOW_HOME": str(folder / "home"),
        "STANDIN_ROOT": str(folder / "root"),
        "STANDIN_LOG": str(folder / "log"),
        "TMPDIR": str(folder / "tmp"),
    }
    return folder


def test_another_machine_makes_the_deployed_environment_once(
    project: Project, tmp_path: Path
) -> None:
    micromamba.install(tmp_path / "bin")
    project.env["PATH"] = f"{tmp_path / 'bin'}{os.pathsep}{project.env['PATH']}"
    _machine(project, "first", tmp_path)
    project.env["STANDIN_VERSION"] = "1.5"
    project.env["METAFLOW_DATASTORE_SYSROOT_LOCAL"] = str(project.folder)
    project.env["METAFLOW_ENVIRONMENT"] = "conda"
    project.env["METAFLOW_DEFAULT_ENVIRONMENT"] = "conda"
    project.deploy(FLOW)
    packages = _packages(project)
    second = _machine(project, "second", tmp_path)
    project.env["STANDIN_VERSION"] = "2.0"
    (project.folder / ".metaflow" / "Solved" / "conda.manifest").unlink()
    project.execute("Solved")
    calls = (second / "log").read_text().splitlines()
    assert not [call for call in calls if "--dry-run" in call]
    assert len([call for call in calls if "create" in call and "--prefix " in call]) == 1
    assert _packages(project) == packages
    left = [path for path in Path("/tmp").glob("tmp*/flow.py") if path.read_text() == FLOW]
    assert not left
    assert not list((second / "tmp").iterdir())
    project.env["METAFLOW_DATASTORE_SYSROOT_LOCAL"] = str(project.folder)
    versions = project.query("Flow('Solved').latest_run['join'].task['versions'].data")
    assert versions == ["1.5"] * 3


def _packages(project: Project) -> set[Path]:
    data = project.folder / ".metaflow" / "Solved" / "data"
    return {path for path in data.glob("*/*") if path.stat().st_size > 500_000}
