"""``--executor inherit``: the job runs on the executor of the code location."""

from __future__ import annotations

from dagster import DagsterInstance
from support.project import Project

FLOW = """
from metaflow import FlowSpec, step

class Inherits(FlowSpec):
    @step
    def start(self):
        self.items = [1, 2]
        self.next(self.work, foreach="items")

    @step
    def work(self):
        self.next(self.join)

    @step
    def join(self, inputs):
        self.count = len(list(inputs))
        self.next(self.end)

    @step
    def end(self):
        pass

if __name__ == "__main__":
    Inherits()
"""
LOCATION = """
import dagster as dg
import generated

defs = dg.Definitions.merge(generated.defs, dg.Definitions(executor=dg.in_process_executor))
"""


def test_the_executor_of_the_code_location(project: Project) -> None:
    project.deploy(FLOW, "--executor=inherit")
    (project.folder / "defs.py").rename(project.folder / "generated.py")
    (project.folder / "defs.py").write_text(LOCATION)
    project.execute("Inherits")
    run = "Flow('Inherits').latest_run"
    assert project.query(f"[{run}.successful, {run}.data.count]") == [True, 2]
    with DagsterInstance.from_config(project.env["DAGSTER_HOME"]) as instance:
        [record] = instance.get_run_records()
        said = [entry.message for entry in instance.all_logs(record.dagster_run.run_id)]
    assert any(message.startswith("Executing steps in process") for message in said)
