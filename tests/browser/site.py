"""A deployment of the examples, and what a user could do there without a browser."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from support.processes import end, wait_for
from support.project import Project
from support.webserver import ask, launch

FLOWS: dict[str, list[str]] = {
    "temperatures": [],
    "parameters": [],
    "resume": [],
    "hyperparameters": [],
    "nested": [],
    "chain_ingest": ["--publishes=rows.ready"],
    "chain_features": [],
    "chain_report": [],
    "sales": ["--partition", "day=daily:2026-01-01"],
    "archive": [],
    "sleepy": [],
}
# Those that are no examples.
ARCHIVE = """
from metaflow import FlowSpec, step, trigger_on_finish

@trigger_on_finish(flow="ReportFlow")
class ArchiveFlow(FlowSpec):
    @step
    def start(self):
        self.next(self.end)

    @step
    def end(self):
        pass

if __name__ == "__main__":
    ArchiveFlow()
"""
SLEEPY = """
import os, subprocess, time
from metaflow import FlowSpec, step

class SleepyFlow(FlowSpec):
    @step
    def start(self):
        child = subprocess.Popen(["sleep", "600"])
        with open("pids.new", "w") as file:
            file.write(f"{os.getpid()} {child.pid}")
        os.rename("pids.new", "pids")
        time.sleep(600)
        self.next(self.end)

    @step
    def end(self):
        pass

if __name__ == "__main__":
    SleepyFlow()
"""
OWN = {"archive": ARCHIVE, "sleepy": SLEEPY}
_RUN = """query($id: ID!) { runOrError(runId: $id) { ... on Run { status } } }"""
_LOCATIONS = """{ repositoriesOrError { ... on RepositoryConnection { nodes { id } } } }"""


_RUNS_OF = """query($job: String!) {
  runsOrError(filter: {pipelineName: $job, statuses: [SUCCESS]}) {
    ... on Runs { results { id } } } }"""


@contextmanager
def serving(project: Project, *command: str) -> Iterator[None]:
    """A server that Python starts in a project's folder, as long as it is needed."""
    env = dict(project.env)
    env["PATH"] = f"{os.path.dirname(sys.executable)}{os.pathsep}{env['PATH']}"
    with (project.folder / "log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, *command],
            cwd=project.folder,
            env=env,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield
    finally:
        end(process)


class Site:
    """The address of a webserver, and what a user could do there without a browser."""

    def __init__(self, url: str, project: Project, locations: int) -> None:
        self.url = url
        self.project = project
        self._locations = locations

    def job(self, flow: str, file: str, page: str = "") -> str:
        return f"{self.url}/locations/__repository__@{file}_dagster.py/jobs/{flow}/{page}"

    def launch(self, flow: str, file: str, config: str = "{}") -> str:
        """Start a run; returns its id."""
        return launch(self.url, flow, "__repository__", f"{file}_dagster.py", config)

    def trigger(self, flow: str, file: str) -> None:
        """Run a flow by its own command line, to its end."""
        command = [f"{file}_flow.py", "--no-pylint", "dagster", "trigger", "--wait"]
        self.project.run(sys.executable, *command, "--url", self.url)

    def wait_for_run_of(self, flow: str) -> None:
        """Until a run that somebody else has started has succeeded."""

        def found() -> Any:
            return ask(self.url, _RUNS_OF, {"job": flow})["runsOrError"]["results"]

        wait_for(f"a run of {flow}", found, 180)

    def status(self, run_id: str) -> str:
        return ask(self.url, _RUN, {"id": run_id})["runOrError"]["status"]

    def wait(self, run_id: str, status: str = "SUCCESS") -> str:
        wait_for(f"run {run_id} as {status}", lambda: self.status(run_id) == status, 180)
        return run_id

    def wait_for_start(self) -> None:
        wait_for("the start of the webserver", self._has_loaded, 300)
        ask(self.url, "mutation { setNuxSeen }", {})  # Dagster greets a new installation once

    def _has_loaded(self) -> bool:
        try:
            found = ask(self.url, _LOCATIONS, {})["repositoriesOrError"]["nodes"]
        except (OSError, KeyError):
            return False
        return len(found) == self._locations
