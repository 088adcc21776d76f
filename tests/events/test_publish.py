"""``DagsterEvent`` and ``dagster publish-event``: where events go, and what they hold."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from dagster import AssetKey, DagsterInstance
from events.flows import ONE
from metaflow.exception import MetaflowException
from support.metaflow_names import DagsterEvent, namespaced_event_name
from support.needs import NAMESPACED_EVENTS, needs

from metaflow_extensions.dagster.cli.publish_event import publish_event
from metaflow_extensions.dagster.events import DagsterEventException


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("METAFLOW_DAGSTER_URL", "METAFLOW_DAGSTER_RUN_ID"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "dagster.yaml").write_text("telemetry:\n  enabled: false\n")
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    return tmp_path


def published(home: Path, name: str) -> list[dict[str, Any]]:
    with DagsterInstance.from_config(str(home)) as instance:
        key = AssetKey(["metaflow", "events", name])
        records = instance.fetch_materializations(key, limit=100, ascending=True).records
        return [
            {field: entry.value for field, entry in made.metadata.items()}
            for record in records
            if (made := record.asset_materialization) is not None
        ]


def test_publish(home, capfd):
    event = DagsterEvent("data.ready", {"n": 1, "when": Path("x")}).add_to_payload("on", True)
    event_id = event.publish({"n": 2, "deep": {"a": [1, None]}})
    assert event_id is not None
    assert "Event data.ready published." in capfd.readouterr().err
    (fields,) = published(home, "data.ready")
    assert fields["id"] == event_id
    assert fields["name"] == "data.ready"
    assert isinstance(fields["timestamp"], int)
    assert len(fields["utc_date"]) == 8
    given = {name: fields[name] for name in ("n", "when", "on", "deep")}
    assert given == {"n": 2, "when": "x", "on": True, "deep": {"a": [1, None]}}


def test_safe_publish_is_for_deployed_runs(home, capfd, monkeypatch):
    assert DagsterEvent("data.ready").safe_publish() is None
    assert "this run is not one of a deployed flow" in capfd.readouterr().err
    with pytest.raises(DagsterEventException):
        DagsterEvent("data.ready").safe_publish(ignore_errors=False)
    assert published(home, "data.ready") == []
    monkeypatch.setenv("METAFLOW_DAGSTER_RUN_ID", "x")
    assert DagsterEvent("data.ready").safe_publish()
    assert len(published(home, "data.ready")) == 1


@pytest.mark.parametrize("name", ["", "a b", "a/b", None, lambda: "a b", lambda: 3])
def test_names(name):
    with pytest.raises(DagsterEventException, match="is not a valid event name"):
        DagsterEvent(name)


@needs(NAMESPACED_EVENTS)
def test_a_name_may_come_from_a_function(home):
    DagsterEvent(namespaced_event_name("ready")).publish()
    assert len(published(home, "mfns.ready")) == 1


def test_an_instance_that_is_missing(home, monkeypatch, capfd):
    monkeypatch.setenv("DAGSTER_HOME", str(home / "missing"))
    assert DagsterEvent("data.ready").publish() is None
    with pytest.raises(DagsterEventException, match="which is not a folder"):
        DagsterEvent("data.ready").publish(ignore_errors=False)
    assert "Event data.ready was not published: DAGSTER_HOME is" in capfd.readouterr().err


class Webserver(HTTPServer):
    """Keeps the requests that it answers."""

    def __init__(self, status: int) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.status = status
        self.requests: list[tuple[str, dict[str, str], Any]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    server: Webserver  # pyright: ignore[reportIncompatibleVariableOverride]

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.requests.append((self.path, dict(self.headers), body))
        self.send_response(self.server.status)
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, format: str, *args: Any) -> None: ...


@pytest.fixture
def webserver() -> Iterator[Webserver]:
    server = Webserver(200)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def test_http(webserver, monkeypatch):
    monkeypatch.setenv("METAFLOW_DAGSTER_TOKEN", "token")
    monkeypatch.setenv("METAFLOW_DAGSTER_HEADERS", '{"X-Team": "a"}')
    event_id = DagsterEvent("data.ready", {"n": 1}, url=webserver.url + "/").publish()
    ((path, headers, body),) = webserver.requests
    assert path == "/report_asset_materialization/metaflow/events/data.ready"
    assert headers["Dagster-Cloud-Api-Token"] == "token"
    assert headers["X-Team"] == "a"
    assert headers["Content-Type"] == "application/json"
    assert body["metadata"]["n"] == 1
    assert body["metadata"]["id"] == event_id


def test_http_by_setting(webserver, home, monkeypatch):
    monkeypatch.setenv("METAFLOW_DAGSTER_URL", webserver.url)
    assert DagsterEvent("data.ready").publish()
    assert len(webserver.requests) == 1
    assert published(home, "data.ready") == []


def test_http_errors(webserver, monkeypatch):
    webserver.status = 401
    with pytest.raises(DagsterEventException, match="HTTP status 401"):
        DagsterEvent("data.ready", url=webserver.url).publish(ignore_errors=False)
    monkeypatch.setattr("metaflow_extensions.dagster.events.http._ATTEMPTS", 1)
    with pytest.raises(DagsterEventException, match=r"cannot be reached .*refused"):
        DagsterEvent("data.ready", url="http://127.0.0.1:1").publish(ignore_errors=False)


def test_the_class_needs_no_dagster():
    code = "import sys; from metaflow import DagsterEvent; DagsterEvent('a').add_to_payload('b', 1)"
    code += "; assert not [m for m in sys.modules if m.split('.')[0] == 'dagster']"
    subprocess.run([sys.executable, "-c", code], check=True)


@needs(NAMESPACED_EVENTS)
def test_command(deploy):
    project = deploy(ONE)
    home = Path(project.env["DAGSTER_HOME"])
    command = [sys.executable, "flow.py", "--no-pylint", "dagster", "publish-event"]
    done = project.run(*command, "ready", "--namespaced", "--payload", '{"n": 5, "on": "yes"}')
    (fields,) = published(home, "mfns.ready")
    assert fields["n"] == 5
    assert fields["id"] in done.stdout + done.stderr
    event = json.loads(project.run(*command, "other", "--json").stdout)
    (fields,) = published(home, "other")
    assert event == {"name": "other", "id": fields["id"]}


@pytest.mark.parametrize(
    ("name", "payload", "problem"),
    [
        ("ready", "{", "--payload is not JSON "),
        ("ready", "[]", "--payload is not a JSON object"),
        ("a b", "{}", "is not a valid event name"),
    ],
)
def test_command_refuses(name, payload, problem):
    command: Any = publish_event
    with pytest.raises(MetaflowException, match=problem):
        command.main([name, "--payload", payload], standalone_mode=False)
