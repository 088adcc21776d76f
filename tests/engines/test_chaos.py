"""Runs on Celery and Dask that lose workers, the run worker, the broker and the database.

Each run has to succeed, or its resume has to, with the artifacts of a native run. No task that had
succeeded may be done again, and no process of a task may be left. The figures are printed.
"""

from __future__ import annotations

import random
import re
import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from differential import runs
from differential.cases import Case
from support.postgres import Postgres
from support.processes import end, wait_for

from .conftest import Cluster, Execution
from .hosts import BIN, Site, processes_at

CASES = [Case("lasting"), Case("engines", {"size": 2})]
EVENTS = 3  # at most, in a run
_TIMEOUT = 240  # seconds without an end after which the run worker is killed


@pytest.fixture
def site(tmp_path: Path, postgres: str) -> Iterator[Site]:
    """Hosts whose Dagster keeps everything in PostgreSQL."""
    site = Site(tmp_path)
    config = f"telemetry:\n  enabled: false\nstorage:\n  postgres:\n    postgres_url: {postgres}\n"
    (site.home / "dagster.yaml").write_text(config)
    yield site
    site.close()


class Storm:
    """What happens to a cluster, at random, and how often it has."""

    def __init__(
        self, cluster: Cluster, troubles: dict[str, Callable[[], None]], seed: int
    ) -> None:
        self.random = random.Random(seed)
        self.workers = list(cluster.workers)
        self.happened: Counter[str] = Counter()
        self._cluster = cluster
        self._troubles = {**troubles, "a worker died": self._lose_worker}

    def blow(self, execution: Execution) -> None:
        """Do harm to a run until it has ended."""
        troubles = {**self._troubles, "the run worker died": execution.submitter.die}
        for _ in range(self.random.randint(1, EVENTS)):
            time.sleep(self.random.uniform(2, 8))
            if execution.process.poll() is not None:
                break
            name = self.random.choice(sorted(troubles))
            troubles[name]()
            self.happened[name] += 1
        deadline = time.monotonic() + _TIMEOUT
        while execution.process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.2)
        if execution.process.poll() is None:
            self.happened["no end"] += 1
            end(execution.process)

    def _lose_worker(self) -> None:
        victim = self.workers.pop(self.random.randrange(len(self.workers)))
        victim.die()
        new = self._cluster.start_worker(f"worker{sum(self.happened.values()) + 3}")
        for definitions in victim.folder.glob("*_defs.py"):
            shutil.copy(definitions, new.folder)
        self.workers.append(new)


@pytest.mark.slow
@pytest.mark.timeout(0)
@pytest.mark.parametrize("engine", ["dask", "celery"])
def test_runs_survive(
    engine: str,
    request: pytest.FixtureRequest,
    site: Site,
    postgres_server: Postgres,
    execute: Callable[..., Execution],
    reader: runs.Reader,
    native: Callable[[Case], dict[str, Any]],
    pytestconfig: pytest.Config,
) -> None:
    cluster: Cluster = request.getfixturevalue(engine)
    troubles = {"PostgreSQL was restarted": postgres_server.restart}
    if engine == "celery":
        troubles["Redis was restarted"] = request.getfixturevalue("redis").restart
    storm = Storm(cluster, troubles, seed=int(pytestconfig.getoption("--random-seed") or 0))
    ends: Counter[str] = Counter()
    for number in range(int(pytestconfig.getoption("--chaos-runs") or 0)):
        case = storm.random.choice(CASES)
        current = Cluster(cluster.options, tuple(storm.workers), cluster.start_worker)
        execution = execute(case, current, name=f"submitter{number}")
        storm.blow(execution)
        ends[_judge(case, site, execution, reader, native(case))] += 1
    print(f"\n{engine}: {dict(ends)}; {dict(storm.happened)}")


def _judge(
    case: Case, site: Site, execution: Execution, reader: runs.Reader, native: dict[str, Any]
) -> str:
    """How a run has ended. Fails where something is lost, done twice or left."""
    time.sleep(2)  # steps that were under way when the run worker died
    facts = reader("dagster", home=str(site.home), tag=execution.tag)
    if facts is None:
        return "died before it began"
    made = _read(case, site, reader, facts["metaflow_run_id"])
    if made is None:
        return "died before it began"
    twice = [key for key, task in made["tasks"].items() if _successes(task) > 1]
    assert not twice, twice
    if facts["status"] == "SUCCESS":
        assert _results(made) == _results(native)
        how = "succeeded"
    else:
        resumed = _resume(case, site, execution, facts["metaflow_run_id"])
        again = _read(case, site, reader, resumed)
        assert again is not None
        assert _results(again) == _results(native)
        cloned = {k for k, task in again["tasks"].items() if "origin-task-id" in str(task)}
        succeeded = {key for key, task in made["tasks"].items() if task["successful"]}
        assert succeeded - {"_parameters"} <= cloned, succeeded - cloned
        how = "succeeded after a resume"
    wait_for("the end of all tasks", lambda: not _tasks_running(site), 60)
    return how


def _resume(case: Case, site: Site, execution: Execution, run_id: str) -> str:
    author = execution.author
    command = [str(BIN / "python"), f"{case.flow}.py", "--no-pylint", "--metadata=local"]
    command += ["--datastore=local", f"--datastore-root={site.store}", "dagster", "resume"]
    command += ["--origin-run-id", run_id, "--wait", "--run-id-file", "resumed"]
    author.run(*command, seconds=_TIMEOUT)
    return (author.folder / "resumed").read_text().strip()


def _read(case: Case, site: Site, reader: runs.Reader, run_id: str) -> dict[str, Any] | None:
    """None where the run has not come as far as its first task."""
    if not (site.store / case.flow_class / run_id / "_parameters").exists():
        return None
    sources = [rf"{re.escape(str(site.folder))}/author-of-\w+"]
    folder = str(site.shared)
    return reader("metaflow", folder=folder, flow=case.flow_class, run_id=run_id, sources=sources)


def _results(run: dict[str, Any]) -> dict[str, dict[str, str]]:
    """The user's artifacts of each task, by its last attempt."""
    last = {key: max(task["attempts"], key=int) for key, task in run["tasks"].items()}
    return {
        key: {
            name: value
            for name, value in task["attempts"][last[key]]["artifacts"].items()
            if not name.startswith("_")
        }
        for key, task in run["tasks"].items()
        if key != "_parameters"
    }


def _successes(task: dict[str, Any]) -> int:
    return sum(facts.get("attempt_ok") == ["True"] for facts in task["metadata"].values())


def _tasks_running(site: Site) -> list[bytes]:
    """Command lines of steps that run on a host of the site."""
    return [command for command in processes_at(site.folder).values() if b"\0step\0" in command]
