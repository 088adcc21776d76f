"""doctor, logs, status --watch, pause and resume-schedule, and --json for programs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

from support.processes import free_port

from .conftest import Embedded


def findings(project: Embedded, *args: str, code: int = 0, **env: str) -> dict[str, Any]:
    """By check, the last finding of doctor."""
    output = project.run(
        sys.executable, "flow.py", "--quiet", "--no-pylint", *args, "dagster", "doctor", "--json",
        code=code, **env,
    )  # fmt: skip
    return {entry["check"]: entry for entry in json.loads(output)}


def test_doctor(embedded, tmp_path):
    project = embedded("chain", create=False)
    found = findings(project, code=1)
    assert found["deployment"]["level"] == "error"
    assert "python flow.py dagster create FILE" in found["deployment"]["advice"]

    project.dagster("create", "defs.py")
    found = findings(project)
    assert {entry["level"] for entry in found.values()} == {"ok"}
    assert [*found] == ["versions", "user", "datastore", "metadata", "instance", "deployment"]
    assert "1 job deployed" in found["datastore"]["text"]

    os.utime(project.folder / "flow.py", (2e9, 2e9))
    assert findings(project)["deployment"]["level"] == "warning"
    (project.folder / "defs.py").unlink()
    found = findings(project, code=1, DAGSTER_HOME=str(tmp_path / "nowhere"))
    assert "definitions file of job Chain is not here" in found["deployment"]["text"]
    assert "which is not a folder" in found["instance"]["text"]
    text = project.dagster("doctor", "--url", f"http://127.0.0.1:{free_port()}", code=1)
    assert "cannot be reached" in text


def test_logs_and_watch_while_a_run_is_on(embedded):
    project = embedded("talker")
    started = json.loads(project.dagster("trigger", "--json"))
    assert started["status"] == "Pending"
    assert started["pathspec"] == f"Talker/{started['run_id']}"

    follower = subprocess.Popen(
        [sys.executable, "flow.py", "--quiet", "--no-pylint", "dagster", "logs"],
        cwd=project.folder, env=project.env, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    watchdog = threading.Timer(60, follower.kill)
    watchdog.start()
    assert follower.stdout is not None
    first = follower.stdout.readline()
    watchdog.cancel()
    assert first == "[start] before the wait\n"  # the step is waiting for the file
    project.touch("go")
    watched = project.dagster("status", "--watch")
    assert "start: started" in watched
    assert "Succeeded" in watched
    out, err = follower.communicate(timeout=30)
    assert "[start] after the wait\n" in out
    assert "[start] to stderr\n" in err
    assert {"[item[0]] item 0", "[item[1]] item 1"} <= set(out.splitlines())

    again = project.dagster("logs", started["run_id"], "item[1]")
    assert again.splitlines() == ["[item[1]] item 1"]
    assert len(project.dagster("logs", started["run_id"], "item", "--no-follow").splitlines()) == 2
    lines = project.dagster("logs", started["run_id"], "start", "--json").splitlines()
    assert [json.loads(line) for line in lines] == [
        {"step": "start", "task": "start", "stream": stream, "text": text}
        for stream, text in (
            ("stdout", "before the wait"),
            ("stdout", "after the wait"),
            ("stderr", "to stderr"),
        )
    ]
    (line,) = project.dagster("logs", started["run_id"], "item[1]", "--json").splitlines()
    assert json.loads(line) | {"text": ""} == {
        "step": "item", "task": "item[1]", "stream": "stdout", "text": "",
    }  # fmt: skip
    assert "no step nope" in project.dagster("logs", started["run_id"], "nope", code=1)
    assert "has no output" in project.dagster("logs", started["run_id"], "end", code=1)

    ended = json.loads(project.dagster("trigger", "--wait", "--json"))
    assert (ended["status"], ended["tasks_done"]) == ("Succeeded", 7)


def test_only_a_running_dagster_switches_schedules(embedded):
    assert "Name the webserver with --url" in embedded("hourly").dagster("pause", code=1)


def _files_of(home: Path, run_id: str) -> dict[str, int]:
    """Sizes of a run's files in an instance, by their paths with ID for the run."""
    return {
        str(path.relative_to(home)).replace(run_id, "ID"): path.stat().st_size
        for path in home.rglob("*")
        if path.is_file() and run_id in str(path)
    }


def test_prune_deletes_old_runs_that_nothing_needs(embedded):
    project = embedded("chain")
    succeeded = project.start("trigger")
    failed = project.start("trigger", "--mode", "fail", code=1)
    runs = {run["run_id"]: run["dagster_run_id"] for run in project.json("runs")}
    # As if they had ended two days ago, and a re-execution of the failed one were in progress.
    age = """
import sqlite3, sys
from dagster import DagsterInstance, DagsterRun, DagsterRunStatus
home, parent = sys.argv[1:]
with sqlite3.connect(f"{home}/history/runs.db") as runs:
    for name in ("create_timestamp", "update_timestamp"):
        runs.execute(f"update runs set {name} = datetime({name}, '-2 days')")
    runs.execute("update runs set start_time = start_time - 172800, end_time = end_time - 172800")
run = DagsterRun(
    "Chain", "0" * 32, status=DagsterRunStatus.STARTED, parent_run_id=parent, root_run_id=parent
)
DagsterInstance.from_config(home).add_run(run)
"""
    project.run(sys.executable, "-c", age, str(project.home), runs[failed])

    def pruned(*options: str) -> list[tuple[str, bool]]:
        found = project.json("prune", *options)
        return [(run["run_id"], run["deleted"]) for run in found]

    assert pruned("--older-than", "3d") == []
    assert pruned("--older-than", "1d", "--dry-run") == [(succeeded, False)]
    before, kept = (_files_of(project.home, runs[run]) for run in (succeeded, failed))
    in_the_way = project.home / "workers" / f"{runs[succeeded]}.log"
    in_the_way.mkdir(parents=True)  # no file, so it cannot be deleted: the run stays
    refused = project.dagster("prune", "--older-than", "1d", code=1)
    assert f"The files of run {runs[succeeded]} cannot be deleted" in refused
    assert runs[succeeded] in {run["dagster_run_id"] for run in project.json("runs")}
    in_the_way.rmdir()
    cards = project.home / "storage" / runs[succeeded] / "cards"
    cards.mkdir(parents=True)
    (cards / "default.ipynb").write_text("{}")
    assert pruned("--older-than", "1d", "--failed") == [(succeeded, True)]
    left = {run["dagster_run_id"] for run in project.json("runs")}
    assert left == {runs[failed], "0" * 32}
    # Captured logs and the log of the run's process go, and its database gives its space back.
    now = _files_of(project.home, runs[succeeded])
    assert set(now) <= {"history/runs/ID.db", "history/runs/ID.db-shm", "history/runs/ID.db-wal"}
    assert before["history/runs/ID.db"] > sum(now.values()) > 0
    logs = [{name for name in files if "compute_logs" in name} for files in (before, kept)]
    assert all(logs)
    assert logs[1] <= set(_files_of(project.home, runs[failed]))
    rows = "import sys; from dagster import DagsterInstance as I\n"
    rows += "print(len(I.from_config(sys.argv[1]).all_logs(sys.argv[2])))"
    events = [
        int(project.run(sys.executable, "-c", rows, str(project.home), runs[run]).split()[-1])
        for run in (succeeded, failed)
    ]
    assert events[0] == 0
    assert events[1] > 10
    # Metaflow still has the run, and can go on from it.
    project.start("resume", "--origin-run-id", succeeded)

    assert "is not a time" in project.dagster("prune", "--older-than", "soon", code=1)
    refusal = project.dagster("prune", "--older-than", "1d", "--url", "http://x", code=1)
    assert "DAGSTER_HOME names its instance" in refusal
