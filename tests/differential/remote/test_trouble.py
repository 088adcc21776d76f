"""A datastore that fails for a while, or for ever, under a run."""

from __future__ import annotations

import os
import signal
from dataclasses import replace
from pathlib import Path

import pytest
from support.processes import end, wait_for
from support.project import Project
from support.remote import Remote, serve_remote

from .. import compare, runs
from ..cases import Case

CASE = Case("engines", {"size": 2})
LASTING = """
import os, time
from metaflow import FlowSpec, step

class Lasting(FlowSpec):
    @step
    def start(self):
        with open(os.path.join("FOLDER", "began"), "w") as file:
            file.write(str(os.getpid()))
        time.sleep(600)
        self.next(self.end)

    @step
    def end(self):
        pass

if __name__ == "__main__":
    Lasting()
"""


@pytest.mark.slow
def test_trouble(
    remote: Remote,
    troubled: Remote,
    reader: runs.Reader,
    troubled_reader: runs.Reader,
    launcher: runs.Launcher,
    dagster_home: Path,
    native_cache: Path,
    tmp_path: Path,
) -> None:
    undisturbed = replace(CASE, env=remote.env, metadata=remote.metadata)
    native = runs.run_native_once(undisturbed, tmp_path / "native", reader, native_cache)
    case = replace(CASE, env=troubled.env, metadata=troubled.metadata)
    made, facts, output = runs.run_dagster(
        case, tmp_path / "dagster", troubled_reader, launcher, dagster_home, "moved"
    )
    assert made is not None, output[-5000:]
    assert compare.differences(native, made) + compare.mismatches(False, made, facts) == []


@pytest.mark.slow
@pytest.mark.parametrize("executor", ["auto", "multiprocess"])
def test_a_cancelled_run_does_not_wait_for_a_datastore_that_is_gone(
    tmp_path: Path, executor: str
) -> None:
    """Metaflow itself would, for over an hour: it is to keep the logs of the task."""
    (tmp_path / "project").mkdir()
    (tmp_path / "remote").mkdir()
    project = Project(tmp_path / "project")
    with serve_remote(tmp_path / "remote") as remote:
        project.env |= remote.env
        project.deploy(LASTING.replace("FOLDER", str(tmp_path)), f"--executor={executor}")
        run = project.start("Lasting")
        wait_for("the task", (tmp_path / "began").exists)
    try:
        os.kill(run.pid, signal.SIGINT)
        wait_for("the end of the run", lambda: run.poll() is not None, 120)
    finally:
        end(run)
    said = (project.folder / "log").read_text()
    assert "Metaflow does not have the logs of" in said
    assert "The datastore did not answer in 10 s." in said
