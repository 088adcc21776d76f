"""A deployment runs the code that was deployed, wherever its definitions file is."""

from __future__ import annotations

import shutil
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from support.project import Project

from metaflow_extensions.dagster.runtime import package
from metaflow_extensions.dagster.runtime.source import _source_digest

FLOW = """
from metaflow import FlowSpec, step
from helper import VALUE

class Packaged(FlowSpec):
    @step
    def start(self):
        self.value = VALUE
        self.next(self.end)

    @step
    def end(self):
        pass

if __name__ == "__main__":
    Packaged()
"""
RUN = "Flow('Packaged').latest_run"


@pytest.fixture
def deployed(project: Project) -> Project:
    (project.folder / "helper.py").write_text("VALUE = 'deployed'\n")
    project.env["HOME"] = str(project.folder / "home")
    project.env.pop("XDG_CACHE_HOME", None)
    project.deploy(FLOW)
    return project


def cache(project: Project) -> Path:
    return project.folder / "home" / ".cache" / "metaflow-dagster" / "packages"


def test_what_has_not_changed_runs_in_place(deployed: Project) -> None:
    # Neither byte code nor a definitions file is the flow's own.
    (deployed.folder / "__pycache__").mkdir(exist_ok=True)
    shutil.copy(deployed.folder / "defs.py", deployed.folder / "other_defs.py")
    deployed.execute("Packaged")
    assert not cache(deployed).exists()
    assert deployed.query(f"{RUN}.code.flowspec.decode()") == FLOW


@pytest.mark.parametrize("change", ["edited", "absent", "another file"])
def test_what_has_changed_runs_as_it_was_deployed(deployed: Project, change: str) -> None:
    if change == "edited":
        (deployed.folder / "helper.py").write_text("VALUE = 'edited'\n")
    elif change == "absent":
        (deployed.folder / "flow.py").unlink()
        (deployed.folder / "helper.py").unlink()
    else:
        (deployed.folder / "extra.py").write_text("# not deployed\n")
    done = deployed.execute("Packaged")
    assert "Not here as it was deployed" in done.stderr
    assert deployed.query(f"[{RUN}.successful, {RUN}['start'].task['value'].data]") == [
        True,
        "deployed",
    ]


@pytest.mark.parametrize("state", ["gone", "damaged"])
def test_a_package_that_cannot_be_used_says_so(deployed: Project, state: str) -> None:
    (deployed.folder / "flow.py").unlink()
    text = (deployed.folder / "defs.py").read_text()
    sha = text.split('CODE_PACKAGE_SHA = "')[1].split('"')[0]
    path = deployed.folder / ".metaflow" / "Packaged" / "data" / sha[:2] / sha
    path.unlink() if state == "gone" else path.write_bytes(b"nothing")
    done = deployed.execute("Packaged", check=False)
    assert done.returncode != 0
    assert f"The code package of this deployment is {state}" in done.stderr
    assert "Deploy the flow again" in done.stderr


def test_processes_at_once_unpack_a_package_once(deployed: Project) -> None:
    (deployed.folder / "flow.py").unlink()
    code = (
        "import defs, os; code = defs._deployed_code(); print(code.file, "
        "os.stat(os.path.dirname(code.file)).st_ino)"
    )
    with ThreadPoolExecutor(6) as pool:
        said = list(pool.map(lambda _: deployed.run(sys.executable, "-c", code).stdout, range(6)))
    assert len(set(said)) == 1
    folders = [entry for entry in cache(deployed).iterdir() if entry.is_dir()]
    assert [entry.name for entry in folders] == [Path(said[0].split()[0]).parent.name]


def test_the_machine_keeps_so_many_packages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number, name in enumerate(["oldest", "in_use", "old", "new"]):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_bytes(bytes(1000))
        package.os.utime(tmp_path / name, (number, number))
    monkeypatch.setattr(package, "_UNPACKED_LIMIT", 2500)
    with package._locked(str(tmp_path / "in_use.lock"), package.fcntl.LOCK_SH):
        package._remove_unused(str(tmp_path))
    left = {entry.name for entry in tmp_path.iterdir() if entry.is_dir()}
    assert left == {"in_use", "old", "new"}


def test_the_digest_is_of_the_flows_files(tmp_path: Path) -> None:
    (tmp_path / "flow.py").write_text("one")
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "part.py").write_text("two")
    (tmp_path / "lib" / "again").symlink_to(tmp_path, target_is_directory=True)
    before = _source_digest(str(tmp_path), [".py"])
    (tmp_path / "data.csv").write_text("1,2")
    (tmp_path / ".hidden").mkdir()
    (tmp_path / ".hidden" / "x.py").write_text("x")
    assert _source_digest(str(tmp_path), [".py"]) == before
    (tmp_path / "lib" / "part.py").write_text("three")
    changed = _source_digest(str(tmp_path), [".py"])
    assert changed != before
    (tmp_path / "lib" / "part.py").rename(tmp_path / "lib" / "other.py")
    assert _source_digest(str(tmp_path), [".py"]) not in (before, changed)
