"""Credentials reach neither the generated file, nor Dagster's records, nor Metaflow's."""

from __future__ import annotations

import os
from pathlib import Path

from support.project import Project

SECRET = "s3cr3t-5f0e"
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
            if SECRET.encode() in (Path(root) / name).read_bytes():
                found.append(os.path.join(root, name))
    return found


def test_planted_secrets_are_nowhere(project: Project) -> None:
    project.env |= PLANTED
    project.deploy(FLOW)
    done = project.execute("Quiet")
    assert SECRET not in done.stdout + done.stderr
    assert holders(project.folder) == []
    run = "Flow('Quiet').latest_run"
    for name in PLANTED:
        project.env.pop(name)
    assert project.query(f"{run}['start'].task['leaked'].data") == []
    assert project.query(f"{run}['start'].task['has_key'].data") is True
    assert project.query(f"{run}['end'].task['city'].data") == "Paris"
