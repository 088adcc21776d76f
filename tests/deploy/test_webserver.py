"""Commands that go to a webserver, which the tests share; no daemon starts runs by itself."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.processes import end, free_port

from .conftest import Embedded
from .test_commands import findings
from .test_live import has_job

# Runs start at once, as no daemon takes them from a queue.
SETTINGS = """
telemetry: {enabled: false}
run_coordinator: {module: dagster.core.run_coordinator, class: DefaultRunCoordinator}
"""


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Embedded]:
    """A scheduled flow in a webserver that gives a run's events out in small pages."""
    project = Embedded(tmp_path_factory.mktemp("served"), "talker")
    project.dagster("create", "defs.py")
    project.let_resource_fail()
    home = tmp_path_factory.mktemp("home")
    (home / "dagster.yaml").write_text(SETTINGS)
    port = free_port()
    program = str(Path(sys.executable).with_name("dagster-webserver"))
    server = subprocess.Popen(
        [program, "-f", "defs.py", "-p", f"{port}"],
        cwd=project.folder,
        env={**project.env, "DAGSTER_HOME": str(home), "DAGSTER_UI_EVENT_LOAD_CHUNK_SIZE": "20"},
        stdout=(home / "webserver.log").open("wb"),
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    url = f"http://127.0.0.1:{port}"
    project.env["METAFLOW_DAGSTER_URL"] = url
    try:
        project.wait_for(lambda: has_job(url), 120)
        yield project
    finally:
        end(server)


def test_logs_and_watch_while_a_run_is_on(served: Embedded) -> None:
    run_id = json.loads(served.dagster("trigger", "--json"))["run_id"]
    command = [sys.executable, "flow.py", "--quiet", "--no-pylint", "dagster"]
    logs, watch = (
        subprocess.Popen(
            [*command, *follow], cwd=served.folder, env=served.env, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )
        for follow in (["logs", run_id], ["status", "--watch", run_id])
    )  # fmt: skip
    watchdog = threading.Timer(60, lambda: (logs.kill(), watch.kill()))
    watchdog.start()
    assert logs.stdout is not None
    assert watch.stdout is not None
    assert logs.stdout.readline() == "[start] before the wait\n"  # it waits for the file
    assert watch.stdout.readline().endswith(f"[{run_id}] start: started\n")
    served.touch("go")
    out, err = logs.communicate(timeout=60)
    assert out.startswith("[start] after the wait\n")
    assert {"[item[0]] item 0", "[item[1]] item 1"} <= set(out.splitlines())
    assert err == "[start] to stderr\n"

    # Items and the branch that is not taken count as tasks that run, and do not.
    out, err = watch.communicate(timeout=60)
    watchdog.cancel()
    assert (watch.returncode, err) == (0, "")
    said = [line.split("] ", 1)[1] for line in out.splitlines() if f"[{run_id}]" in line]
    assert sum(line.endswith(": started") for line in said) == 6
    assert said[-1] == "end: done (7 tasks done)"
    assert "loud" not in out
    assert f"Talker {run_id}: Succeeded" in out
    assert "7 tasks done, 7 steps in the flow" in out

    items = served.dagster("logs", run_id, "item").splitlines()
    assert sorted(items) == ["[item[0]] item 0", "[item[1]] item 1"]
    assert served.dagster("logs", run_id, "item[1]").splitlines() == ["[item[1]] item 1"]
    refused = served.dagster("logs", run_id, "loud", code=1)
    assert f"Run {run_id} has run no task of step loud: it did not get there, or took " in refused


def test_a_run_that_fails(served: Embedded) -> None:
    served.touch("go")
    followed = served.dagster("trigger", "--way", "loud", "--wait", code=1)
    for line in ("item[1]: done", "loud: failed", "ValueError: too loud", "did not succeed"):
        assert line in followed, line
    watched = served.dagster("status", "--watch", code=1)
    for line in ("loud: failed", ": Failed", "5 tasks done", "failed: loud", "Step loud failed"):
        assert line in watched, line
    facts = served.json("status")
    assert (facts["status"], facts["tasks_done"]) == ("Failed", 5)
    assert "ValueError: too loud" in facts["error"]  # of a later page than the first
    said = served.dagster("logs", facts["run_id"], "loud")
    assert said.startswith("[loud] as loud as can be\n")
    assert "[loud] ValueError: too loud" in said


def test_a_resource_that_fails_is_named(served: Embedded) -> None:
    served.touch("broken")
    followed = served.dagster("trigger", "--wait", code=1)
    served.remove("broken")
    assert "RuntimeError: the resource is broken" in followed
    assert served.json("status")["error"] == "RuntimeError: the resource is broken"


def test_schedules_are_paused_and_resumed(served: Embedded) -> None:
    assert served.dagster("pause").strip() == "schedule Talker_schedule is switched off"
    assert "already switched off" in served.dagster("pause", "Talker_schedule")
    again = json.loads(served.dagster("resume-schedule", "--json"))
    assert again == [{"name": "Talker_schedule", "kind": "schedule", "changed": True}]
    refused = served.dagster("pause", "nope", code=1)
    assert "There are: Talker_schedule." in refused

    found = findings(served)
    assert "version 1." in found["webserver"]["text"]
    assert found["deployment"]["level"] == "ok"
    other = served.dagster("--name", "Other", "doctor", code=1)
    assert "has no job Other" in other
