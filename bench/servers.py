"""The program that some rows need beside them: ``dagster dev``."""

from __future__ import annotations

import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from .measure import Bench

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from support.processes import end, free_port, wait_for
from support.webserver import ask, launch

_JOBS = """{ repositoriesOrError { ... on RepositoryConnection { nodes {
  name location { name } jobs { name } } } } }"""
_RUN = "query($id: ID!) { runOrError(runId: $id) { ... on Run { status creationTime endTime } } }"


class Live:
    """A ``dagster dev`` of these files, until the context ends.

    Attributes:
        seconds: From its start until all of the files were loaded.
    """

    def __init__(self, bench: Bench, *files: str) -> None:
        self.seconds = 0.0
        self._bench = bench
        self._files = files
        self._port = free_port()
        self._url = f"http://127.0.0.1:{self._port}"
        self._jobs: dict[str, tuple[str, str]] = {}

    def __enter__(self) -> Live:
        began = time.perf_counter()
        files = [part for name in self._files for part in ("-f", name)]
        command = [sys.executable, "-m", "dagster", "dev", "-p", str(self._port), *files]
        log = (self._bench.folder / "dev.log").open("ab")
        self._process = subprocess.Popen(
            command,
            cwd=self._bench.folder,
            env=self._bench.env,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        log.close()
        wait_for("the start of dagster dev", self._has_loaded)
        self.seconds = time.perf_counter() - began
        return self

    def __exit__(self, *_: object) -> None:
        end(self._process)

    def run(self, job: str) -> float:
        """Seconds from the launch of a run to its end, as Dagster's UI shows them."""
        run_id = launch(self._url, job, *self._jobs[job])
        while True:
            run = self._ask(_RUN, id=run_id)["runOrError"]
            if run["status"] == "SUCCESS":
                return run["endTime"] - run["creationTime"]
            if run["status"] in ("FAILURE", "CANCELED"):
                sys.exit(f"{job} ended as {run['status']}")
            time.sleep(0.2)

    def _has_loaded(self) -> bool:
        with suppress(OSError, KeyError):
            for repository in self._ask(_JOBS)["repositoriesOrError"]["nodes"]:
                place = repository["name"], repository["location"]["name"]
                self._jobs |= {job["name"]: place for job in repository["jobs"]}
            locations = {location for _, location in self._jobs.values()}
            return len(locations) == len(self._files)
        return False

    def _ask(self, query: str, **variables: Any) -> Any:
        return ask(self._url, query, variables)
