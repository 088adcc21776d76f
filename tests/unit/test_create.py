"""``dagster create``: what it writes, and what it refuses."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

FLOW = """
from metaflow import FlowSpec, step, schedule
{imports}
{decorators}
class Tiny(FlowSpec):
    @step
    def start(self):
        {start}

    @step
    def end(self):
        pass

if __name__ == "__main__":
    Tiny()
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    write_flow(tmp_path)
    return tmp_path


def write_flow(
    folder: Path, start: str = "self.next(self.end)", decorators: str = "", imports: str = ""
) -> None:
    text = FLOW.format(start=start, decorators=decorators, imports=imports)
    (folder / "tiny.py").write_text(text)


def create(folder: Path, *args: str) -> subprocess.CompletedProcess[str]:
    env = os.environ | {"USER": "tester", "METAFLOW_DATASTORE_SYSROOT_LOCAL": str(folder)}
    return subprocess.run(
        [sys.executable, "tiny.py", "--no-pylint", "dagster", "create", *args],
        cwd=folder,
        env=env,
        capture_output=True,
        text=True,
    )


def test_without_a_file_the_job_names_it(project: Path) -> None:
    assert create(project, "--name", "nightly").returncode == 0
    text = (project / "nightly.py").read_text()
    assert "python tiny.py --no-pylint dagster create --name nightly" in text


def test_json_for_programs(project: Path) -> None:
    write_flow(
        project,
        imports="from metaflow import trigger",
        decorators='@schedule(hourly=True)\n@trigger(event="data.ready")',
    )
    done = create(project, "--json", "defs.py")
    created = json.loads(done.stdout)
    assert Path(created.pop("package")).is_file()
    assert created == {
        "name": "Tiny",
        "flow": "Tiny",
        "definitions_file": str(project / "defs.py"),
        "user": "tester",
        "project": None,
        "branch": None,
        "schedule": "Tiny_schedule",
        "sensors": ["Tiny_event_0"],
    }
    refused = create(project, "--json", "--tag", " ", "d.py")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "--tag is empty" in refused.stderr


def test_an_earlier_file_is_replaced_and_keeps_no_scratch(project: Path) -> None:
    assert create(project, "defs.py").returncode == 0
    first = (project / "defs.py").read_text()
    assert create(project, "defs.py").returncode == 0
    assert (project / "defs.py").read_text() == first
    assert {p.name for p in project.iterdir()} - {".metaflow"} == {"tiny.py", "defs.py"}
    assert stat.S_IMODE((project / "defs.py").stat().st_mode) & 0o444 == 0o444


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--name", "my job", "d.py"], "*my job* cannot be a Dagster job name"),
        (["--name", "class", "d.py"], "*class* cannot be a Dagster job name"),
        (["--name", "Config", "d.py"], "needs the name *Config* for something else"),
        (["--name", "_run_step", "d.py"], "needs the name *_run_step* for something else"),
        (["--name", "FLOW", "d.py"], "needs the name *FLOW* for something else"),
        (["missing/d.py"], "missing does not exist"),
        (["tiny.py"], "is the flow itself"),
        (["."], "is a folder"),
        (["--tag", " ", "d.py"], "--tag is empty"),
        (["--tag", "x" * 501, "d.py"], "501 characters long"),
        (["--with", "nonsense", "d.py"], "nonsense"),
        (["--workflow-timeout", "0", "d.py"], "--workflow-timeout"),
        (["--workflow-timeout", "-5", "d.py"], "--workflow-timeout"),
        (["--max-workers", "0", "d.py"], "--max-workers"),
        (["--max-workers", "many", "d.py"], "--max-workers"),
    ],
)
def test_bad_options_write_nothing(project: Path, args: list[str], message: str) -> None:
    before = (project / "tiny.py").read_text()
    done = create(project, *args)
    output = (done.stdout + done.stderr).replace("*\x1b", "\x1b")
    assert done.returncode != 0
    assert message.replace("*", "") in output.replace("*", "")
    assert "Traceback" not in output
    assert not (project / "d.py").exists()
    assert (project / "tiny.py").read_text() == before


def test_all_problems_are_told_at_once(project: Path) -> None:
    write_flow(
        project,
        imports="from metaflow import Parameter, project",
        decorators='@schedule(cron="99 * * * ? *")',
        start="self.next(self.end)\n    n = Parameter('n', type=int, default='x')",
    )
    done = create(
        project,
        *("--name", "my job", "--tag", " ", "--pool", "bog:gpu", "--step-tag", "a b=1"),
        *("--run-tag", "priority", "--executor-config", "{", "missing/d.py"),
    )
    output = (done.stdout + done.stderr).replace("*", "")
    assert done.returncode != 0
    assert "There are 9 problems:" in output
    for part in (
        "--tag is empty",
        "The default of parameter n is not of its type",
        "--executor-config",
        "--run-tag priority is not of the form",
        "--step-tag a b=1 is not of the form",
        "my job cannot be a Dagster job name",
        "@schedule",
        "--pool: there is no step bog",
        "the folder",
    ):
        assert part in output
    assert "Traceback" not in output
    assert {path.name for path in project.iterdir()} - {".metaflow"} == {"tiny.py"}


def test_a_free_text_tag_is_fine(project: Path) -> None:
    assert create(project, "--tag", "no colon ünïcode", "d.py").returncode == 0


def test_a_file_of_somebody_else_is_kept_unless_forced(project: Path) -> None:
    (project / "d.py").write_text("mine = True\n")
    done = create(project, "d.py")
    assert done.returncode != 0
    assert "--force" in done.stdout + done.stderr
    assert (project / "d.py").read_text() == "mine = True\n"
    assert create(project, "d.py", "--force").returncode == 0
    assert "generated by metaflow-dagster" in (project / "d.py").read_text()


def test_a_folder_that_takes_no_files_is_named(project: Path) -> None:
    done = create(project, "/proc/d.py")  # not even root can write there
    assert done.returncode != 0
    assert "Cannot write /proc/d.py" in (done.stdout + done.stderr).replace("*", "")
    assert "Traceback" not in done.stdout + done.stderr


def test_the_linter_speaks_for_itself(project: Path) -> None:
    write_flow(project, start="self.next(self.nowhere)")
    done = create(project, "d.py")
    assert done.returncode != 0
    assert "unknown step" in done.stdout + done.stderr
    assert not (project / "d.py").exists()


def test_a_cron_that_dagster_would_reject(project: Path) -> None:
    write_flow(project, decorators='@schedule(cron="99 * * * ? *")')
    done = create(project, "d.py")
    assert done.returncode != 0
    assert "99" in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert not (project / "d.py").exists()


def test_help_tells_what_the_options_do(project: Path) -> None:
    text = create(project, "--help").stdout
    for option in ("--name", "--tag", "--with", "--namespace", "--workflow-timeout"):
        assert option in text
    assert "--max-workers" in text
    assert "16" in text
