"""trigger, status, runs, terminate and delete on the embedded instance."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

from dagster import DagsterEvent, DagsterEventType, DagsterInstance

from .conftest import is_alive


def test_trigger_and_wait(embedded):
    project = embedded("chain", "--tag", "team:a")
    output = project.dagster(
        "trigger", "--alpha", "2", "--url", "v", "--config-file", '{"b": [1]}', "--many", "1",
        "--many", "2", "--wait", "--tag", "one:1", "--run-id-file", "run-id",
    )  # fmt: skip
    run_id = (project.folder / "run-id").read_text()
    assert run_id.startswith("dagster-")
    assert run_id in output
    assert "end: done (3 tasks done)" in output
    run = project.query(
        f"[(r := Run('Chain/{run_id}')).successful, r.data.result, sorted(r.user_tags)]"
    )
    assert run == [True, [2.0, 1, "v", {"b": [1]}, ["1", "2"]], ["one:1", "team:a"]]

    status = project.json("status")
    assert (status["run_id"], status["status"], status["tasks_done"]) == (run_id, "Succeeded", 3)
    assert status["dagster_run_id"] in status["open"]
    (listed,) = project.json("runs")
    assert listed["run_id"] == run_id
    assert [job["name"] for job in project.json("list")] == ["Chain"]
    assert "has ended already" in project.dagster("terminate", run_id, code=1)

    refused = project.dagster("trigger", "--name", "p.prod.Chain", code=1)
    assert "There is no job p__prod__Chain of flow Chain. Deployed are: Chain." in refused
    assert "No such command 'triger'. Did you mean trigger?" in project.dagster("triger", code=2)
    mistyped = project.dagster("status", "--jsn", code=2)
    assert "no such option: --jsn. Did you mean --json?" in mistyped
    (job,) = project.json("list")
    assert project.json("delete") == {**job, "switched_off": []}
    assert project.json("list") == []
    assert "Create it first" in project.dagster("trigger", code=1)


def test_failure_ends_the_command_with_1_and_can_be_resumed(embedded):
    project = embedded("chain")
    args = ("trigger", "--mode", "fail", "--wait", "--run-id-file", "run-id")
    output = project.dagster(*args, code=1)
    assert "ValueError: as told" in output
    status = project.json("status")
    assert (status["status"], status["tasks_failed"]) == ("Failed", ["middle"])
    assert "as told" in status["error"]
    failed = (project.folder / "run-id").read_text()
    resumed = project.start("resume", "--origin-run-id", failed, "--mode", "no")
    assert project.query(f"Run('Chain/{resumed}').successful")
    assert project.cloned(f"Chain/{resumed}") == {"start": ["start"]}


def test_a_resource_that_fails_is_named(embedded):
    project = embedded("chain")
    project.let_resource_fail()
    project.touch("broken")
    output = project.dagster("trigger", "--wait", code=1)
    assert "RuntimeError: the resource is broken" in output
    assert project.json("status")["error"] == "RuntimeError: the resource is broken"


def test_the_terminal_shows_tasks_and_not_what_processes_log(embedded):
    project = embedded("chain", "--executor", "multiprocess")
    output = project.dagster("trigger", "--wait")
    assert "end: done (3 tasks done)" in output
    assert "DEBUG" not in output
    (log,) = (project.home / "workers").glob("*.log")
    assert "STEP_WORKER_STARTED" in log.read_text()


def test_detached_run_is_terminated_with_its_processes(embedded):
    project = embedded("chain")
    project.dagster("trigger", "--mode", "long", "--run-id-file", "run-id")
    run_id = (project.folder / "run-id").read_text()
    pid = int(project.wait_for(lambda: _text(project.folder / "pid")))
    assert project.json("status", run_id)["status"] == "Running"
    assert project.json("terminate", run_id)["status"] == "Terminated"
    assert project.json("status", run_id)["status"] == "Terminated"
    project.wait_for(lambda: not is_alive(pid), 15)
    project.wait_for(lambda: DagsterEventType.RUN_CANCELED in _events(project))
    failure, cancel = (
        _events(project)[kind]
        for kind in (DagsterEventType.STEP_FAILURE, DagsterEventType.RUN_CANCELED)
    )
    error = failure.step_failure_data.error
    assert error is not None
    assert (error.message, error.stack, error.cause) == (
        "Ended with its task: the run was cancelled.\n",
        [],
        None,
    )
    assert "Failed steps: ['op_middle']" in str(cancel.message)
    assert cancel.job_canceled_data.error is None


def _events(project) -> dict[DagsterEventType, DagsterEvent]:
    """By kind, the last event of the last run."""
    with DagsterInstance.from_config(str(project.home)) as instance:
        (record,) = instance.get_run_records(limit=1)
        entries = instance.all_logs(record.dagster_run.run_id)
        return {e.dagster_event.event_type: e.dagster_event for e in entries if e.dagster_event}


def test_ctrl_c_terminates_a_run_that_is_followed(embedded):
    project = embedded("chain")
    # As in a terminal; a shell's background jobs ignore the signal.
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        command = [sys.executable, "flow.py", "--no-pylint", "dagster", "trigger"]
        followed = subprocess.Popen(
            [*command, "--mode", "long", "--wait"], cwd=project.folder, env=project.env
        )
    finally:
        signal.signal(signal.SIGINT, handler)
    pid = int(project.wait_for(lambda: _text(project.folder / "pid")))
    followed.send_signal(signal.SIGINT)
    assert followed.wait(30) == 1
    assert project.json("status")["status"] == "Terminated"
    project.wait_for(lambda: not is_alive(pid), 15)


def test_killed_worker_ends_as_failed(embedded):
    project = embedded("chain")
    project.dagster("trigger", "--mode", "long", "--run-id-file", "run-id")
    run_id = (project.folder / "run-id").read_text()
    pid = int(project.wait_for(lambda: _text(project.folder / "pid")))
    dagster_run_id = project.json("status", run_id)["dagster_run_id"]
    os.kill(int(_text(project.home / "workers" / dagster_run_id)), signal.SIGKILL)
    project.wait_for(lambda: not is_alive(pid), 15)
    status = project.json("status", run_id)
    assert status["status"] == "Failed"
    assert "killed" in status["error"]


def test_four_runs_at_once_on_a_new_instance(embedded):
    project = embedded("chain")
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda n: project.dagster("trigger", "--alpha", str(n)), range(4)))
    project.wait_for(lambda: _ended(project) == ["Succeeded"] * 4)


def test_errors_are_one_line(embedded):
    project = embedded("chain")
    for args, words in {
        ("status", "nope"): "has no run nope",
        ("trigger", "--dagster-url", "http://127.0.0.1:9"): "cannot be reached",
        ("status", "--url", "http://127.0.0.1:9"): "cannot be reached",
        ("trigger", "--definitions-file", "gone.py"): "dagster create gone.py",
        ("trigger", "--definitions-file", "flow.py"): "was not generated",
        ("trigger", "--name", "other"): "There is no job other",
        ("resume",): "--origin-run-id RUN",
        ("resume", "--origin-run-id", "nope"): "has no run nope",
        ("resume", "--origin-run-id", "nope", "middel"): "There is no step middel",
    }.items():
        output = project.dagster(*args, code=1)
        assert words in output
        assert "Traceback" not in output
    assert "not a valid float" in project.dagster("trigger", "--alpha", "x", code=2)
    project.remove("defs.py")
    assert "is gone" in project.dagster("trigger", code=1)
    project.folder.joinpath("defs.py").write_text("nonsense(\n")
    output = project.dagster("trigger", code=1)
    assert "cannot be loaded" in output
    assert "Traceback" not in output


def test_dagster_home_is_used_where_it_is_set(embedded, tmp_path):
    project = embedded("chain")
    home = tmp_path / "home"
    missing = project.dagster("trigger", "--wait", code=1, DAGSTER_HOME=str(home))
    assert "is not a folder" in missing
    home.mkdir()
    (home / "dagster.yaml").write_text("telemetry:\n  enabled: false\n")
    project.dagster("trigger", "--wait", DAGSTER_HOME=str(home))
    assert (home / "history").is_dir()
    assert not (project.home / "history").exists()


def _text(path) -> str:
    return path.read_text() if path.exists() else ""


def _ended(project) -> list[str]:
    statuses = [run["status"] for run in project.json("runs")]
    assert set(statuses) <= {"Pending", "Running", "Succeeded"}, statuses
    return statuses
