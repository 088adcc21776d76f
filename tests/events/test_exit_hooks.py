"""``@exit_hook``: called once for each run, however it ended."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest
from dagster import DagsterInstance, DagsterRun, DagsterRunStatus
from events.conftest import Sensor, load
from events.flows import HOOKED

from metaflow_extensions.dagster.runtime.identity import _make_run_id


@pytest.fixture(scope="module")
def project(deploy):
    return deploy(HOOKED)


@pytest.fixture
def instance(project):
    with DagsterInstance.from_config(project.env["DAGSTER_HOME"]) as instance:
        yield instance


@pytest.fixture
def log(project):
    path: Path = project.folder / "hooks.log"
    path.unlink(missing_ok=True)

    def read() -> list[str]:
        return path.read_text().splitlines() if path.exists() else []

    return read


def config(project, how: str) -> str:
    path = project.folder / f"{how}.yaml"
    path.write_text(f"ops: {{op_start: {{config: {{how: {how}}}}}}}")
    return str(path)


def execute(project, how: str) -> str:
    command = project._execute("HookedFlow")
    done = project.run(*command, "-c", config(project, how), check=False)
    return done.stdout + done.stderr


def start_slowly(project, log) -> subprocess.Popen[bytes]:
    """Start a run, and come back when its first step is at work."""
    command = [*project._execute("HookedFlow"), "-c", config(project, "slowly")]
    worker = subprocess.Popen(command, cwd=project.folder, env=project.env, start_new_session=True)
    deadline = time.monotonic() + 120
    while "started" not in log():
        assert time.monotonic() < deadline
        time.sleep(0.1)
    return worker


def latest(instance: DagsterInstance) -> DagsterRun:
    return next(r for r in instance.get_runs(limit=5) if r.job_name == "HookedFlow")


def test_success(project, instance, log):
    output = execute(project, "well")
    run = latest(instance)
    assert run.status == DagsterRunStatus.SUCCESS
    assert log() == ["broken", f"good HookedFlow/{_make_run_id(run.run_id)} True"]
    assert "Exit hook broken" in output
    assert "failed (exit code 1)" in output
    assert "broken on purpose" in output


def test_failure(project, instance, log):
    execute(project, "badly")
    run = latest(instance)
    assert run.status == DagsterRunStatus.FAILURE
    assert log() == [f"bad HookedFlow/{_make_run_id(run.run_id)}"]


def test_a_run_that_is_interrupted(project, instance, log):
    """By Ctrl-C. Cancelling it in the UI takes the same way, to another status."""
    worker = start_slowly(project, log)
    worker.send_signal(signal.SIGINT)
    worker.wait(60)
    run = latest(instance)
    assert run.status == DagsterRunStatus.FAILURE
    assert log() == ["started", f"bad HookedFlow/{_make_run_id(run.run_id)}"]


def test_a_worker_that_died(project, instance, log):
    """The sensor starts the hooks' own job, for this run only, and once."""
    module = load(project.folder / "defs.py")
    sensor = Sensor(module.HookedFlow_exit_hooks_sensor, instance)
    assert sensor.tick() == [], "runs that called their hooks are left alone"
    worker = start_slowly(project, log)
    os.killpg(worker.pid, signal.SIGKILL)
    worker.wait()
    run = latest(instance)
    # As Dagster's daemon does when it finds that the process is gone.
    instance.report_run_failed(run, "The process for the run was terminated.")
    (request,) = sensor.tick()
    assert request.run_key == run.run_id
    assert sensor.tick() == []
    assert log() == ["started"]
    hooks = module.HookedFlow_exit_hooks
    assert hooks.execute_in_process(instance=instance, tags=request.tags).success
    bad = f"bad HookedFlow/{_make_run_id(run.run_id)}"
    assert log() == ["started", bad]
    assert hooks.execute_in_process(instance=instance, tags=request.tags).success
    assert log() == ["started", bad]
    assert not hooks.execute_in_process(instance=instance, raise_on_error=False).success


def test_runs_of_others_are_left_alone(project, instance, end_run):
    module = load(project.folder / "defs.py")
    sensor = Sensor(module.HookedFlow_exit_hooks_sensor, instance)
    sensor.tick()
    failed = DagsterRunStatus.FAILURE
    end_run("OtherFlow", failed, job="HookedFlow")
    end_run("HookedFlow", failed, job="another_job")
    end_run("HookedFlow", step_keys_to_execute=["op_start"])
    assert sensor.tick() == []
    # A code location's own executor knows nothing of hooks.
    runs = [end_run("HookedFlow"), end_run("HookedFlow", DagsterRunStatus.CANCELED)]
    assert [request.run_key for request in sensor.tick()] == [run.run_id for run in runs]
    of_earlier_file = end_run("HookedFlow", failed, hidden="metaflow/")
    instance.add_run_tags(of_earlier_file.run_id, {"metaflow/exit_hooks": of_earlier_file.run_id})
    without_call = end_run("HookedFlow", failed, hidden="metaflow/")
    assert [request.run_key for request in sensor.tick()] == [without_call.run_id]
