"""What teams do with a deployment on PostgreSQL, from the command line and from Dagster's UI."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import create_engine, text
from support.processes import wait_for

from .conftest import Embedded, is_alive
from .server import Server
from .test_resume import ALL_BUT_END

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture
def server(embedded, tmp_path, postgres) -> Iterator[Callable[..., Server]]:
    """Starts a server with one flow."""
    servers: list[Server] = []

    def start(flow: str, *options: str) -> Server:
        project = embedded(flow, *options)
        servers.append(Server(project, tmp_path / "server", postgres))
        servers[-1].start()
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


def begin_long_run(project: Embedded) -> tuple[str, str, int]:
    """Trigger a run that sleeps; its ids, and the process that sleeps."""
    project.dagster("trigger", "--mode", "long", "--run-id-file", "run-id")
    pid = wait_for("the long step", lambda: _text(project, "pid"), 90)
    run_id = _text(project, "run-id")
    return run_id, project.json("status", run_id)["dagster_run_id"], int(pid)


def test_reexecution_from_the_ui_continues_parent_with_the_metaflow_run(server):
    server = server("shapes")
    project = server.project
    project.touch("fail-inner")
    run_id = project.start("trigger", "--need", "it", code=1)
    origin = project.json("status", run_id)["dagster_run_id"]

    os.rename(project.folder / "fail-inner", project.folder / "fail-end")
    again = server.reexecute(origin, "FROM_FAILURE")
    failed = server.ended(again)
    assert (failed["status"], failed["run_id"]) == ("Failed", run_id)
    tasks = project.tasks(f"Shapes/{run_id}")
    assert len(tasks["inner"]) == 4
    assert len(tasks["outer"]) == 2

    project.remove("fail-end")
    ended = server.ended(server.reexecute(again, "FROM_FAILURE"))
    assert (ended["status"], ended["run_id"]) == ("Succeeded", run_id)
    assert project.query(f"Run('Shapes/{run_id}').successful")

    chosen = server.ended(server.reexecute_steps(ended["dagster_run_id"], "Shapes", ["op_end"]))
    assert (chosen["status"], chosen["run_id"]) == ("Succeeded", run_id)
    assert len(project.tasks(f"Shapes/{run_id}")["end"]) == 2

    fresh = server.ended(server.reexecute(origin, "ALL_STEPS"))
    assert fresh["status"] == "Succeeded"
    assert fresh["run_id"] != run_id
    assert project.query(f"Run('Shapes/{fresh['run_id']}').successful")

    # Resumed from there, as it was deployed.
    resumed = project.start("resume", "--origin-run-id", fresh["run_id"], "end")
    assert project.cloned(f"Shapes/{resumed}") == ALL_BUT_END


def test_a_run_outlives_webserver_and_daemon(server):
    server = server("chain")
    run_id, dagster_run_id, pid = begin_long_run(server.project)
    server.kill()
    server.start()
    assert server.project.json("status", run_id)["status"] == "Running"
    assert is_alive(pid)
    server.project.touch("go")
    assert server.ended(dagster_run_id)["status"] == "Succeeded"
    assert server.project.query(f"Run('Chain/{run_id}').successful")


def test_a_run_whose_worker_is_killed_is_tried_again_by_the_daemon(server):
    server = server("chain", "--run-tag", "dagster/max_retries=1")
    project = server.project
    run_id, dagster_run_id, pid = begin_long_run(project)
    project.touch("go")
    os.kill(_run_worker(pid), signal.SIGKILL)
    wait_for("the end of the step's process", lambda: not is_alive(pid), 15)
    assert server.ended(dagster_run_id)["status"] == "Failed"

    def retried():
        runs = [r for r in project.json("runs") if r["dagster_run_id"] != dagster_run_id]
        return runs and runs[0]["status"] == "Succeeded" and runs[0]

    assert wait_for("the retry", retried, 120)["run_id"] == run_id
    assert project.query(f"Run('Chain/{run_id}').successful")
    assert project.tasks(f"Chain/{run_id}")["start"] == ["start"]


def test_four_runs_at_once(server):
    project = server("chain").project
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda n: project.dagster("trigger", "--alpha", str(n)), range(4)))

    def ended():
        runs = project.json("runs")
        return len(runs) == 4 and all(run["status"] == "Succeeded" for run in runs)

    wait_for("the end of four runs", ended)


def test_deleting_a_job_stops_its_schedule(server):
    server = server("hourly")
    project = server.project
    assert _ticking(server) == ["RUNNING"]
    project.dagster("delete")
    assert _ticking(server) == ["STOPPED"]
    assert project.json("list") == []
    project.dagster("create", "defs.py")
    assert [job["name"] for job in project.json("list")] == ["Hourly"]


def test_an_instance_on_postgresql_without_a_server(embedded, tmp_path, postgres):
    project = embedded("chain")
    server = Server(project, tmp_path / "server", postgres)
    project.env |= server.env
    run_id = project.start("trigger", "--alpha", "3")
    assert project.json("status", run_id)["status"] == "Succeeded"
    failed = project.start("trigger", "--mode", "fail", code=1)
    resumed = project.start("resume", "--origin-run-id", failed, "--mode", "no")
    assert project.cloned(f"Chain/{resumed}") == {"start": ["start"]}
    stopped, _, pid = begin_long_run(project)
    connected = (
        "SELECT count(*) FROM pg_stat_activity WHERE datname = :name AND pid <> pg_backend_pid()"
    )
    wait_for("a run without connections", lambda: _number(postgres, connected) == 0, 30)
    project.dagster("terminate", stopped)
    wait_for("the end of the step's process", lambda: not is_alive(pid), 15)
    assert project.json("status", stopped)["status"] == "Terminated"


def test_a_run_does_not_connect_to_postgresql_for_each_event(embedded, tmp_path, postgres):
    project = embedded("shapes")
    project.env |= Server(project, tmp_path / "server", postgres).env
    project.start("trigger", "--need", "it")
    sessions = _number(postgres, "SELECT sessions FROM pg_stat_database WHERE datname = :name")
    events = _number(postgres, "SELECT count(*) FROM event_logs")
    assert sessions < events / 2


def _number(url: str, query: str) -> int:
    with create_engine(url).connect() as connection:
        return connection.execute(text(query), {"name": url.rsplit("/", 1)[1]}).scalar_one()


def _text(project: Embedded, name: str) -> str:
    path = project.folder / name
    return path.read_text() if path.exists() else ""


def _ticking(server: Server) -> list[str]:
    query = """{ repositoriesOrError { ... on RepositoryConnection { nodes {
        schedules { scheduleState { status } } } } } }"""
    (repository,) = server.ask(query)["repositoriesOrError"]["nodes"]
    return [schedule["scheduleState"]["status"] for schedule in repository["schedules"]]


def _run_worker(pid: int) -> int:
    """The process of Dagster's run that a task's process belongs to."""
    while True:
        with open(f"/proc/{pid}/stat") as stat:
            parent = int(stat.read().rsplit(")", 1)[1].split()[1])
        with open(f"/proc/{parent}/cmdline", "rb") as file:
            command = file.read()
        if b"api\0grpc" in command or parent == 1:
            return pid
        pid = parent
