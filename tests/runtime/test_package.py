"""A deployment runs the code that was deployed, wherever its definitions file is."""

from __future__ import annotations

import shutil
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from support.needs import PACKAGE_FILES, needs
from support.project import Project

from metaflow_extensions.dagster.contract.sources import file_digest, source_change
from metaflow_extensions.dagster.driver import code as package

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


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("edited", "helper.py is not as it was deployed"),
        ("absent", "flow.py is not here"),
        ("another file", "extra.py was not deployed"),
    ],
)
def test_what_has_changed_runs_as_it_was_deployed(
    deployed: Project, change: str, said: str
) -> None:
    if change == "edited":
        (deployed.folder / "helper.py").write_text("VALUE = 'edited'\n")
    elif change == "absent":
        (deployed.folder / "flow.py").unlink()
    else:
        (deployed.folder / "extra.py").write_text("# not deployed\n")
    done = deployed.execute("Packaged")
    assert f"{said}. Using the code package: " in done.stderr
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
        "import defs, os; code = defs._driver(defs.FLOW).code_of(defs.FLOW); print(code.file, "
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


def test_what_counts_as_a_change(tmp_path: Path) -> None:
    outside = tmp_path / "shared.py"
    outside.write_text("zero")
    folder = tmp_path / "flows"
    (folder / "lib").mkdir(parents=True)
    (folder / "flow.py").write_text("one")
    (folder / "lib" / "part.py").write_text("two")
    (folder / "lib" / "again").symlink_to(folder, target_is_directory=True)
    names = ["flow.py", "lib/part.py", str(outside)]
    deployed = {name: file_digest(str(folder / name)) for name in names}

    def change() -> str:
        return source_change(str(folder), [".py"], deployed)

    (folder / "data.csv").write_text("1,2")
    (folder / ".hidden").mkdir()
    (folder / ".hidden" / "x.py").write_text("x")
    (folder / "dangling.py").symlink_to("nowhere")
    assert change() == ""
    (folder / "lib" / "part.py").write_text("three")
    assert change() == "lib/part.py is not as it was deployed"
    (folder / "lib" / "part.py").rename(folder / "lib" / "other.py")
    assert change() == "lib/part.py is not here"
    (folder / "lib" / "part.py").write_text("two")
    assert change() == "lib/other.py was not deployed"
    (folder / "lib" / "other.py").unlink()
    outside.write_text("edited")
    assert change() == f"{outside} is not as it was deployed"


BROUGHT_IN = """
import os, sys
here = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(here, "..", "elsewhere"))
from metaflow import FlowMutator, FlowSpec, step
from metaflow.packaging_sys import ContentType
from marking import marked

class brings(FlowMutator):
    def init(self, name, arcname, kind):
        self.file, self.kind = (os.path.join(here, name), arcname), kind

    def add_to_package(self):
        yield (*self.file, getattr(ContentType, self.kind))

@brings("../shared/tables.py", "tables.py", "KIND")
@brings("numbers.csv", "numbers.csv", "KIND")
class Packaged(FlowSpec):
    @marked
    @step
    def start(self):
        if os.path.exists(os.path.join(here, "..", "shared")):
            sys.path.append(os.path.join(here, "..", "shared"))
        import tables
        self.value = tables.VALUE
        self.next(self.end)

    @step
    def end(self):
        pass

if __name__ == "__main__":
    Packaged()
"""
MARKING = """
from metaflow import user_step_decorator

@user_step_decorator
def marked(step_name, flow, inputs=None, attr=None):
    flow.mark = "deployed"
    yield
"""


@needs(PACKAGE_FILES)
@pytest.mark.parametrize("kind", ["USER_CONTENT", "CODE_CONTENT"])
def test_files_that_decorators_bring_in_count(project: Project, kind: str) -> None:
    """What is in the package decides, wherever its files come from."""
    top = project.folder
    for name in ("shared", "elsewhere", "flows"):
        (top / name).mkdir()
    (top / "shared" / "tables.py").write_text("VALUE = 'deployed'\n")
    (top / "elsewhere" / "marking.py").write_text(MARKING)
    (top / "flows" / "numbers.csv").write_text("1\n")
    project.env |= {"HOME": str(top / "home"), "METAFLOW_DAGSTER_CACHE": str(top / "cache")}
    (top / "flows" / "flow.py").write_text(BROUGHT_IN.replace("KIND", kind))
    command = ["flows/flow.py", "--no-pylint", "dagster", "create", "defs.py"]
    project.run(sys.executable, *command)
    assert "Using the code package" not in project.execute("Packaged").stderr

    reason = "import defs; print(defs._driver(defs.FLOW).code_of(defs.FLOW).reason)"
    for name, edited in [
        ("shared/tables.py", "VALUE = 'edited'\n"),
        ("elsewhere/marking.py", MARKING.replace("deployed", "edited")),
        ("flows/numbers.csv", "2\n"),
    ]:
        file = top / name
        before = file.read_text()
        file.write_text(edited)
        said = project.run(sys.executable, "-c", reason).stdout
        assert f"{file.name} is not as it was deployed" in said
        file.write_text(before)
    assert project.run(sys.executable, "-c", reason).stdout == "\n"

    (top / "elsewhere" / "marking.py").write_text(MARKING.replace("deployed", "edited"))
    shutil.rmtree(top / "shared")
    done = project.execute("Packaged")
    assert "Using the code package" in done.stderr
    values = f"[{RUN}['start'].task[name].data for name in ('value', 'mark')]"
    assert project.query(values) == ["deployed", "deployed"]


def test_links_that_lead_nowhere_are_left_out(project: Project) -> None:
    (project.folder / "helper.py").write_text("VALUE = 'deployed'\n")
    (project.folder / "gone.py").symlink_to("nowhere.py")
    project.deploy(FLOW)
    assert "Using the code package" not in project.execute("Packaged").stderr


@needs(PACKAGE_FILES)
def test_what_cannot_be_packaged_is_named(project: Project) -> None:
    text = BROUGHT_IN.replace("from marking import marked", "").replace("    @marked\n", "")
    (project.folder / "flow.py").write_text(text.replace("KIND", "USER_CONTENT"))
    command = ["flow.py", "--no-pylint", "dagster", "create", "defs.py"]
    done = project.run(sys.executable, *command, check=False)
    assert done.returncode != 0
    said = " ".join(done.stderr.split())
    assert "The flow's code could not be packaged" in said
    assert "numbers.csv" in said
    assert "datastore" not in said
    assert not (project.folder / "defs.py").exists()
