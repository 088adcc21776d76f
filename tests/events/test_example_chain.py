"""The three flows of the gallery's chain: event, then finish, with artifacts read at the end."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pytest
from dagster import DagsterInstance
from events.conftest import Sensor, load
from support.project import Project

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture
def project(tmp_path):
    project = Project(tmp_path)
    for name in ("ingest", "features", "report"):
        flow = f"chain_{name}_flow.py"
        shutil.copy(EXAMPLES / flow, tmp_path)
        project.run(sys.executable, flow, "--no-pylint", "dagster", "create", f"{name}.py")
    return project


def execute(project, name, job, request=None):
    command = [sys.executable, "-m", "dagster", "job", "execute", "-f", f"{name}.py", "-j", job]
    if request is not None:
        (project.folder / "run.json").write_text(json.dumps(request.run_config))
        command += ["-c", "run.json", "--tags", json.dumps(request.tags)]
    project.run(*command)


def test_chain(project):
    with DagsterInstance.from_config(project.env["DAGSTER_HOME"]) as instance:
        features, report = (
            Sensor(getattr(load(project.folder / f"{name}.py"), sensor), instance)
            for name, sensor in (
                ("features", "FeaturesFlow_event_0"),
                ("report", "ReportFlow_on_finish_0"),
            )
        )
        assert features.tick() == report.tick() == []
        execute(project, "ingest", "IngestFlow")
        [request] = features.tick()
        execute(project, "features", "FeaturesFlow", request)
        [request] = report.tick()
        execute(project, "report", "ReportFlow", request)
    assert project.query("Flow('ReportFlow').latest_run.data.features") == [0, 1, 4]
