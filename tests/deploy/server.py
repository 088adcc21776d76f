"""A deployment as docs/deploy.md has it: webserver and daemon on PostgreSQL."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from support.processes import end, free_port, wait_for
from support.webserver import ask

from .conftest import Embedded

_EXAMPLES = Path(__file__).parents[2] / "examples" / "deploy"
_JOBS = "{ repositoriesOrError { ... on RepositoryConnection { nodes { jobs { name } } } } }"
_REEXECUTE = """mutation($run: String!, $strategy: ReexecutionStrategy!) {
  launchRunReexecution(reexecutionParams: {parentRunId: $run, strategy: $strategy}) {
    __typename ... on LaunchRunSuccess { run { runId } } ... on Error { message } } }"""
_REEXECUTE_STEPS = """mutation($params: ExecutionParams!) {
  launchRunReexecution(executionParams: $params) {
    __typename ... on LaunchRunSuccess { run { runId } } ... on Error { message } } }"""


class Server:
    """Webserver and daemon of a project, which its commands go to."""

    def __init__(self, project: Embedded, home: Path, postgres_url: str) -> None:
        self.project = project
        self.url = f"http://127.0.0.1:{free_port()}"
        home.mkdir()
        settings = (_EXAMPLES / "dagster.yaml").read_text()
        (home / "dagster.yaml").write_text(settings.replace("seconds: 30", "seconds: 2"))
        locations = [{"python_file": {"relative_path": "defs.py", "location_name": "flow"}}]
        workspace = json.dumps({"load_from": locations})  # which is YAML too
        (project.folder / "workspace.yaml").write_text(workspace)
        self.env = {"DAGSTER_HOME": str(home), "DAGSTER_POSTGRES_URL": postgres_url}
        self._processes: list[subprocess.Popen[bytes]] = []

    def start(self) -> None:
        """Start both, and wait until the job is there."""
        self.project.env.pop("METAFLOW_DAGSTER_URL", None)
        port = self.url.rsplit(":", 1)[1]
        for name, *options in (("dagster-webserver", "-p", port), ("dagster-daemon", "run")):
            command = [str(Path(sys.executable).with_name(name)), *options]
            self._processes.append(
                subprocess.Popen(
                    [*command, "-w", "workspace.yaml"],
                    cwd=self.project.folder,
                    env={**self.project.env, **self.env},
                    stdout=(self.project.folder / f"{name}.log").open("ab"),
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
            )
        self.project.env["METAFLOW_DAGSTER_URL"] = self.url
        wait_for("the start of the webserver", self._has_job)

    def stop(self) -> None:
        """End both in good order."""
        while self._processes:
            end(self._processes.pop())

    def kill(self) -> None:
        """Both die; not the code servers and runs, which they have started."""
        while self._processes:
            process = self._processes.pop()
            os.kill(process.pid, signal.SIGKILL)
            process.wait()

    def ask(self, query: str, **variables: Any) -> Any:
        """Ask the webserver as Dagster's UI does."""
        return ask(self.url, query, variables)

    def reexecute(self, run: str, strategy: str) -> str:
        """Re-execute a Dagster run ``FROM_FAILURE`` or ``ALL_STEPS``; the new one's id."""
        result = self.ask(_REEXECUTE, run=run, strategy=strategy)["launchRunReexecution"]
        return result["run"]["runId"]

    def reexecute_steps(self, run: str, job: str, steps: list[str]) -> str:
        """Re-execute chosen steps of a Dagster run; the new one's id."""
        tags = [{"key": "dagster/root_run_id", "value": run}]
        tags.append({"key": "dagster/parent_run_id", "value": run})
        params = {
            "selector": {
                "repositoryLocationName": "flow",
                "repositoryName": "__repository__",
                "jobName": job,
            },
            "runConfigData": json.dumps({"ops": {"op_start": {"config": {"need": "it"}}}}),
            "stepKeys": steps,
            "executionMetadata": {"rootRunId": run, "parentRunId": run, "tags": tags},
        }
        result = self.ask(_REEXECUTE_STEPS, params=params)["launchRunReexecution"]
        assert "run" in result, result
        return result["run"]["runId"]

    def ended(self, dagster_run_id: str, seconds: float = 120) -> dict[str, Any]:
        """The facts of a run that `dagster runs --json` has, as soon as it has ended."""

        def found() -> Any:
            for run in self.project.json("runs"):
                if run["dagster_run_id"] == dagster_run_id:
                    return run if run["status"] not in ("Pending", "Running") else None
            return None

        return wait_for(f"the end of run {dagster_run_id}", found, seconds)

    def _has_job(self) -> bool:
        try:
            nodes = self.ask(_JOBS)["repositoriesOrError"].get("nodes")
        except OSError:
            return False
        return bool(nodes and nodes[0]["jobs"])
