"""A live deployment: `dagster dev` with webserver, daemon and code server."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator

import pytest

from .conftest import Embedded, is_alive

pytestmark = pytest.mark.slow


@pytest.fixture
def live(embedded, tmp_path) -> Iterator[Embedded]:
    """A project whose commands go to a webserver of its own."""
    project = embedded("chain")
    home = tmp_path / "live"
    home.mkdir()
    (home / "dagster.yaml").write_text("telemetry:\n  enabled: false\n")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    server = subprocess.Popen(
        [sys.executable, "-m", "dagster", "dev", "-f", "defs.py", "-p", str(port)],
        cwd=project.folder,
        env={**project.env, "DAGSTER_HOME": str(home)},
        stdout=(tmp_path / "dev.log").open("wb"),
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    project.env["METAFLOW_DAGSTER_URL"] = url
    try:
        project.wait_for(lambda: has_job(url), 120)
        yield project
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(server.pid, signal.SIGKILL)


def test_life_of_a_run_in_a_live_deployment(live):
    output = live.dagster(
        "trigger", "--alpha", "2", "--tag", "a:1", "--wait", "--run-id-file", "run-id"
    )
    run_id = (live.folder / "run-id").read_text()
    assert "Done!" in output
    assert live.query(f"Run('Chain/{run_id}').data.result[0]") == 2.0
    status = live.json("status", run_id)
    assert (status["status"], status["tasks_done"]) == ("Succeeded", 3)
    with urllib.request.urlopen(status["open"], timeout=10) as page:
        assert page.status == 200

    live.dagster("trigger", "--mode", "fail", "--wait", "--run-id-file", "run-id", code=1)
    failed = (live.folder / "run-id").read_text()
    assert "as told" in live.json("status", failed)["error"]
    live.dagster(
        "resume", "--origin-run-id", failed, "--mode", "no", "--wait", "--run-id-file", "run-id"
    )
    resumed = (live.folder / "run-id").read_text()
    assert live.query(f"Run('Chain/{resumed}').successful")
    assert live.cloned(f"Chain/{resumed}") == {"start": ["start"]}

    live.dagster("trigger", "--mode", "long", "--run-id-file", "run-id")
    pid_file = live.folder / "pid"
    live.wait_for(lambda: pid_file.exists() and pid_file.read_text(), 90)
    live.dagster("terminate", (live.folder / "run-id").read_text())
    live.wait_for(lambda: not is_alive(int(pid_file.read_text())), 15)
    assert [run["status"] for run in live.json("runs")] == [
        "Terminated",
        "Succeeded",
        "Failed",
        "Succeeded",
    ]
    assert "has no job Nope" in live.dagster("trigger", "--name", "Nope", code=1)


def has_job(url: str) -> bool:
    """Whether the webserver at this address has loaded a repository of jobs."""
    query = {"query": "{ repositoriesOrError { ... on RepositoryConnection { nodes { name } } } }"}
    request = urllib.request.Request(
        f"{url}/graphql", json.dumps(query).encode(), {"Content-Type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=5) as response:
            return bool(json.load(response)["data"]["repositoriesOrError"].get("nodes"))
    except OSError:
        return False
