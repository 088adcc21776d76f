"""Credentials reach neither the generated file, nor Dagster's records, nor Metaflow's."""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path

from support.project import Project

SECRET = "s3cr3t-5f0e"
GZIP = b"\x1f\x8b"
PLANTED = {
    "AWS_SECRET_ACCESS_KEY": f"{SECRET}-aws",
    "AWS_SESSION_TOKEN": f"{SECRET}-session",
    "AZURE_STORAGE_KEY": f"{SECRET}-azure",
    "GOOGLE_APPLICATION_CREDENTIALS_JSON": f"{SECRET}-google",
    "METAFLOW_SERVICE_AUTH_KEY": f"{SECRET}-auth",
    "METAFLOW_SERVICE_HEADERS": '{"x-api-key": "' + SECRET + '-header"}',
    "METAFLOW_S3_ENDPOINT_URL": f"http://user:{SECRET}-url@localhost:1",
    "METAFLOW_ARGO_EVENTS_WEBHOOK_AUTH": f"{SECRET}-webhook",
    "METAFLOW_DATATOOLS_CLIENT_PARAMS": '{"key": "' + SECRET + '-client"}',
    "METAFLOW_RUN_TAGS": f"{SECRET}-run",
    "METAFLOW_INIT_CITY": f"{SECRET}-init",
    "SLACK_TOKEN": f"{SECRET}-slack",
}
IN_PROFILE = {
    "METAFLOW_SERVICE_AUTH_KEY": f"{SECRET}-auth",
    "METAFLOW_AZURE_STORAGE_ACCESS_KEY": f"{SECRET}-azure",
    "METAFLOW_CONDA_REMOTE_COMMANDS": f"https://conda.example/t/{SECRET}-conda/channel",
    "METAFLOW_SERVICE_URL": f"https://example.com/?sig={SECRET}-signature",
    "METAFLOW_DEFAULT_METADATA": "local",
    "METAFLOW_DEFAULT_DATASTORE": "local",
}
FLOW = """
import os
from metaflow import FlowSpec, Parameter, environment, step

class Quiet(FlowSpec):
    city = Parameter("city", default="Paris")

    @environment(vars={"API_KEY": os.environ.get("SLACK_TOKEN", "")})
    @step
    def start(self):
        self.leaked = sorted(k for k in os.environ if k in ("METAFLOW_RUN_TAGS",))
        self.has_key = bool(os.environ["API_KEY"])
        self.next(self.end)

    @step
    def end(self):
        print(self.city)

if __name__ == "__main__":
    Quiet()
"""


def holders(folder: Path) -> list[str]:
    """Files below a folder that hold a planted secret."""
    found = []
    for root, _, names in os.walk(folder):
        for name in names:
            content = (Path(root) / name).read_bytes()
            if content.startswith(GZIP):  # an artifact, or a code package
                content = gzip.decompress(content)
                content = gzip.decompress(content) if content.startswith(GZIP) else content
            if SECRET.encode() in content:
                found.append(os.path.join(root, name))
    return found


def test_planted_secrets_are_nowhere(project: Project) -> None:
    project.env |= PLANTED
    project.deploy(FLOW)
    done = project.execute("Quiet")
    assert SECRET not in done.stdout + done.stderr
    run = "Flow('Quiet').latest_run"
    # Metaflow itself keeps what the flow's source gives to its decorators.
    graph = project.query(f"{run}['start'].task['_graph_info']._object['sha']")
    assert [path for path in holders(project.folder) if not path.endswith(graph)] == []
    for name in PLANTED:
        project.env.pop(name)
    assert project.query(f"{run}['start'].task['leaked'].data") == []
    assert project.query(f"{run}['start'].task['has_key'].data") is True
    assert project.query(f"{run}['end'].task['city'].data") == "Paris"


def test_secrets_of_a_profile_stay_in_it(project: Project, tmp_path_factory) -> None:
    home = tmp_path_factory.mktemp("home")
    (home / "config_work.json").write_text(json.dumps(IN_PROFILE))
    project.env |= {"METAFLOW_HOME": str(home), "METAFLOW_PROFILE": "work"}
    project.deploy(FLOW.replace('os.environ.get("SLACK_TOKEN", "")', '"none"'))
    done = project.execute("Quiet")
    assert SECRET not in done.stdout + done.stderr
    assert holders(project.folder) == []
