"""A flow with a task elsewhere that lasts, and what tests do with its runs."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence

from support.processes import end, wait_for
from support.project import Project

FLOW = """
import os, signal, time
from metaflow import FlowSpec, batch, current, kubernetes, resources, retry, step

class Troubled(FlowSpec):
    @step
    def start(self):
        self.next(self.work)

    @retry(times=1, minutes_between_retries=0)
    @DECORATOR
    @step
    def work(self):
        print("attempt", current.retry_count, "in", os.environ["NAME"])
        self.attempt = current.retry_count
        if current.retry_count < LASTS and not os.path.exists("GO"):
            BEFORE
            time.sleep(600)
        self.next(self.end)

    @step
    def end(self):
        pass

if __name__ == "__main__":
    Troubled()
"""
REEXECUTE = """
import os
from dagster import DagsterInstance, ReexecutionOptions, execute_job
from metaflow_extensions.dagster.targets._dagster_internals import load_job
instance = DagsterInstance.get()
failed = instance.get_run_records(limit=1)[0].dagster_run
options = ReexecutionOptions.from_failure(failed.run_id, instance)
job = load_job(os.path.abspath("defs.py"), "Troubled", os.getcwd())
assert execute_job(job, instance, reexecution_options=options).success
"""
RUN = "Flow('Troubled').latest_run"
TASK = f"{RUN}['work'].task"


def deploy(
    project: Project,
    decorator: str,
    name: str,
    lasts: int = 1,
    before: str = "pass",
    options: Sequence[str] = (),
) -> None:
    """Deploy the flow.

    Args:
        project: Where.
        decorator: Of the step ``work``, with its options.
        name: The variable of the environment that has the name of the pod or job.
        lasts: How many attempts last until there is a file ``go``.
        before: A statement that comes before they do.
        options: Of ``create``.
    """
    values = {"DECORATOR": decorator, "NAME": name, "LASTS": str(lasts), "BEFORE": before}
    text = FLOW.replace("GO", str(project.folder / "go"))
    for mark, value in values.items():
        text = text.replace(mark, value)
    project.deploy(text, *options)


def log(project: Project) -> str:
    return (project.folder / "log").read_text()


def succeeds(project: Project, run: subprocess.Popen[bytes], seconds: float) -> None:
    try:
        assert run.wait(timeout=seconds) == 0, log(project)[-5000:]
    finally:
        end(run)


def shows_while_it_runs(project: Project, said: str) -> None:
    """A line of the task streams to Dagster, without what Metaflow marks it with."""
    logs = project.folder / "dagster_home" / "storage"
    wait_for(
        "the task's line in Dagster",
        lambda: any(said in path.read_text() for path in logs.rglob("*.out")),
    )
    assert "[MFLOG|" not in "".join(path.read_text() for path in logs.rglob("*.out"))


def can_be_reexecuted(project: Project) -> None:
    """The last run is executed again in Dagster, from its failure on."""
    project.run(sys.executable, "-c", REEXECUTE)
    assert project.query(f"{RUN}.successful") is True


def can_be_resumed(project: Project) -> None:
    """The last run is resumed by a file made for it, and its first task is not run again."""
    run_id = project.query(f"{RUN}.id")
    command = ["flow.py", "--no-pylint", "dagster", "create", "defs.py"]
    project.run(sys.executable, *command, "--origin-run-id", run_id)
    project.execute("Troubled")
    assert project.query(f"{RUN}.successful") is True
    assert project.query(f"{RUN}['start'].task.metadata_dict['origin-run-id']") == run_id
