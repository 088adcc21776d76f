"""A deployment of the examples, and what a user could do there without a browser."""

from __future__ import annotations

from pathlib import Path

from support.processes import wait_for
from support.webserver import ask, launch

FLOWS: dict[str, list[str]] = {
    "temperatures": [],
    "parameters": [],
    "resume": [],
    "hyperparameters": [],
    "nested": [],
    "chain_ingest": [],
    "chain_features": [],
    "chain_report": [],
    "sales": ["--partition", "day=daily:2026-01-01"],
}
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
_RUN = """query($id: ID!) { runOrError(runId: $id) { ... on Run { status } } }"""
_LOCATIONS = """{ repositoriesOrError { ... on RepositoryConnection { nodes { id } } } }"""


class Site:
    """The address of a webserver, and what a user could do there without a browser."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url = url
        self.folder = folder

    def job(self, flow: str, file: str, page: str = "") -> str:
        return f"{self.url}/locations/__repository__@{file}_dagster.py/jobs/{flow}/{page}"

    def launch(self, flow: str, file: str, config: str = "{}") -> str:
        """Start a run; returns its id."""
        name = "defs.py" if file == "defs" else f"{file}_dagster.py"
        return launch(self.url, flow, "__repository__", name, config)

    def status(self, run_id: str) -> str:
        return ask(self.url, _RUN, {"id": run_id})["runOrError"]["status"]

    def wait(self, run_id: str, status: str = "SUCCESS") -> str:
        wait_for(f"run {run_id} as {status}", lambda: self.status(run_id) == status, 180)
        return run_id

    def has_loaded(self) -> bool:
        try:
            found = ask(self.url, _LOCATIONS, {})["repositoriesOrError"]["nodes"]
        except (OSError, KeyError):
            return False
        return len(found) == len(FLOWS) + 1  # and SLEEPY
