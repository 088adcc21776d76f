"""A step that begins a second time does nothing that its task has done.

Celery and Dask give a step to another worker when its result was lost with the first one.
"""

from __future__ import annotations

import sys

from support.project import Project

FLOW = """
from metaflow import FlowSpec, step


class Lost(FlowSpec):
    @step
    def start(self):
        self.note("start")
        self.rounds = 0
        self.next(self.again)

    @step
    def again(self):
        self.rounds += 1
        self.note(f"again {self.rounds}")
        if open("stop").read() == str(self.rounds):
            raise ValueError("stopped")
        self.goes_on = self.rounds < 3
        self.next({True: self.again, False: self.end}, condition="goes_on")

    @step
    def end(self):
        self.note("end")

    def note(self, what):
        with open("notes", "a") as notes:
            print(what, file=notes)


if __name__ == "__main__":
    Lost()
"""

# What another worker does that gets these steps again.
AGAIN = """
import contextlib
import sys

from dagster import DagsterInstance
from dagster._core.code_pointer import FileCodePointer
from dagster._core.definitions.reconstruct import ReconstructableJob, ReconstructableRepository
from dagster._core.execution.api import create_execution_plan, execute_plan

from metaflow_extensions.dagster import streams

repository = ReconstructableRepository(FileCodePointer("defs.py", "defs", "."))
job = ReconstructableJob(repository, "Lost")
with DagsterInstance.get() as instance:
    (run,) = instance.get_runs()
    for key in sys.argv[2:]:
        plan = create_execution_plan(job, run.run_config, step_keys_to_execute=[key])
        worker = contextlib.nullcontext()
        if sys.argv[1] == "dask":  # as `_run_on_worker` in executor/dask.py
            worker = streams.running_step(lambda: None, lambda: False)
        with worker:
            events = execute_plan(plan, job, instance, run, run_config=run.run_config)
        print(key, [event.event_type_value for event in events][-1])
"""


def test_a_step_that_begins_again_takes_what_is_done(project: Project) -> None:
    (project.folder / "stop").write_text("never")
    project.deploy(FLOW, "--executor=multiprocess")
    project.execute("Lost")
    notes = ["start", "again 1", "again 2", "again 3", "end"]
    assert (project.folder / "notes").read_text().splitlines() == notes
    keys = ["op_start", "op_again", "op_end"]
    for worker in ("celery", "dask"):
        said = project.run(sys.executable, "-c", AGAIN, worker, *keys).stdout.splitlines()
        assert said[-3:] == [f"{key} STEP_SUCCESS" for key in keys]
        assert (project.folder / "notes").read_text().splitlines() == notes, worker


def test_a_loop_that_begins_again_goes_on_where_it_was(project: Project) -> None:
    (project.folder / "stop").write_text("2")
    project.deploy(FLOW, "--executor=multiprocess")
    project.execute("Lost", check=False)
    (project.folder / "stop").write_text("never")
    said = project.run(sys.executable, "-c", AGAIN, "celery", "op_again").stdout.splitlines()
    assert said[-1] == "op_again STEP_SUCCESS"
    notes = ["start", "again 1", "again 2", "again 2", "again 3"]
    assert (project.folder / "notes").read_text().splitlines() == notes
