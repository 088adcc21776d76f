"""A process that runs steps of several flows, as a worker of Celery or Dask does, uses the settings
of each."""

from __future__ import annotations

import json
import sys

from support.project import Project
from support.remote import Remote

FLOW = """
from metaflow import FlowSpec, step


class {name}(FlowSpec):
    @step
    def start(self):
        self.next(self.end)

    @step
    def end(self):
        pass


if __name__ == "__main__":
    {name}()
"""

# Reads what the tasks of two flows left, in turns, as their steps do.
READ = """
import importlib, json, os, sys
from dagster import DagsterInstance
from metaflow_extensions.dagster.driver import api

answers = []
with DagsterInstance.get() as instance:
    runs = {run.job_name: run.tags["metaflow/run_id"] for run in instance.get_runs()}
for name in ["OnDisk", "InS3", "OnDisk", "InS3"]:
    flow = importlib.import_module(f"{name}_defs").FLOW
    result = api.read_result(flow, f"{runs[name]}/start/start")
    answers.append([result.next_steps, os.environ.get("METAFLOW_S3_ENDPOINT_URL")])
print(json.dumps(answers))
"""


def test_each_flow_is_read_with_its_own_settings(tmp_path, remote: Remote) -> None:
    project = Project(tmp_path)
    keys = {name: value for name, value in remote.env.items() if name.startswith("AWS_")}
    project.env |= keys
    worker = project.env
    for name, settings in (("OnDisk", {}), ("InS3", remote.env)):
        project.env = {**worker, **settings}
        project.deploy(FLOW.format(name=name))
        (tmp_path / "defs.py").rename(tmp_path / f"{name}_defs.py")
        (tmp_path / "flow.py").rename(tmp_path / f"{name}.py")
        project.env = worker
        project.run(
            sys.executable, "-m", "dagster", "job", "execute", "-f", f"{name}_defs.py", "-j", name
        )
    for name in ("METAFLOW_DATASTORE_SYSROOT_LOCAL", "METAFLOW_DEFAULT_DATASTORE"):
        del worker[name]
    answers = json.loads(project.run(sys.executable, "-c", READ).stdout.splitlines()[-1])
    endpoint = remote.env["METAFLOW_S3_ENDPOINT_URL"]
    assert answers == [[["end"], None], [["end"], endpoint]] * 2
