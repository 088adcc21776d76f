"""What the metadata service knows of a run while it lasts: heartbeats, ids, conflicts, tags."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from support.processes import end, wait_for
from support.remote import Service, serve_metadata

from ..cases import Case
from ..runs import FLOWS, _clean_environment, make_home

CASE = Case("sleepers", {"seconds": 3.0})
FLOW = CASE.flow_class
NATIVE, DAGSTER = "native", "dagster"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with serve_metadata(tmp_path_factory.mktemp("service"), wait=1) as service:
        yield service


class Place:
    """A folder with the flow, whose runs are known to the service."""

    def __init__(self, folder: Path, service: Service) -> None:
        self.folder, self.service = folder, service
        folder.mkdir()
        self.home = make_home(folder / "home")
        for path in (CASE.source, FLOWS / "tracing.py"):
            (folder / path.name).write_text(path.read_text())
        self.env = _clean_environment() | {
            "USER": "tester",
            "DAGSTER_HOME": str(self.home),
            "METAFLOW_HOME": str(folder),
            "METAFLOW_DATASTORE_SYSROOT_LOCAL": str(folder),
            "METAFLOW_DEFAULT_METADATA": "service",
            "METAFLOW_SERVICE_URL": service.url,
        }

    def start(self, *command: str) -> subprocess.Popen[Any]:
        with (self.folder / "output").open("ab") as output:
            return subprocess.Popen(
                [sys.executable, *command],
                cwd=self.folder,
                env=self.env,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def native(self) -> subprocess.Popen[Any]:
        return self.start(CASE.file, "--no-pylint", "run", "--seconds", "3")

    def dagster(self, *options: str) -> subprocess.Popen[Any]:
        """Create the job with these options, and start a run of it."""
        create = self.start(CASE.file, "--no-pylint", "dagster", "create", "defs.py", *options)
        assert create.wait(120) == 0, (self.folder / "output").read_text()
        (self.folder / "run.json").write_text(json.dumps(CASE.run_config))
        job = ("job", "execute", "-f", "defs.py", "-j", FLOW, "-c", "run.json")
        return self.start("-m", "dagster", *job)


@pytest.fixture
def place(tmp_path: Path, service: Service) -> Place:
    return Place(tmp_path / "place", service)


def watch(
    place: Place, process: subprocess.Popen[Any], known: set[str]
) -> tuple[str, list[float], dict[str, int]]:
    """Look at the run that is not yet known until its process ends.

    Returns:
        Its id, the ages of the run's last heartbeat while it lasted, and how many heartbeats the
        service got of each kind.
    """
    run = ""
    ages: list[float] = []
    while process.poll() is None:
        for run in place.service.runs(FLOW) - known:
            found = place.service.get(f"/flows/{FLOW}/runs/{run}")
            ages.append(time.time() - found["last_heartbeat_ts"])
        time.sleep(0.2)
    assert run, (place.folder / "output").read_text()
    log = place.service.log.read_text()
    at = f"/flows/{FLOW}/runs/{run}/"
    posts = [line for line in log.splitlines() if f"POST {at}" in line and "/heartbeat " in line]
    tasks = sum("/tasks/" in line for line in posts)
    assert all('" 200 ' in line for line in posts), posts
    return run, ages, {"run": len(posts) - tasks, "task": tasks}


@pytest.mark.parametrize(
    "kind", [NATIVE, DAGSTER, pytest.param("multiprocess", marks=pytest.mark.slow)]
)
def test_a_run_beats_while_it_lasts(place: Place, kind: str) -> None:
    """Under executors of Dagster's own, the processes of its tasks do that."""
    known = place.service.runs(FLOW)
    if kind == NATIVE:
        process = place.native()
    else:
        process = place.dagster(*(["--executor=multiprocess"] if kind == "multiprocess" else []))
    began = time.monotonic()
    run, ages, beats = watch(place, process, known)
    lasted = time.monotonic() - began
    assert process.returncode == 0, (place.folder / "output").read_text()[-5000:]
    # A service counts a run as dead when six heartbeats are missing; on a busy machine some are.
    assert beats["run"] > lasted / 6
    assert beats["task"] >= 18  # of each task its first and its last, and of those that sleep more
    if kind != "multiprocess":
        assert max(ages) < 6
    run_at = f"/flows/{FLOW}/runs/{run}"
    ids = [task["task_id"] for task in place.service.get(f"{run_at}/steps/leaf/tasks")]
    last = place.service.get(run_at)["last_heartbeat_ts"]
    assert time.time() - last < 5  # the end of the run sent one
    time.sleep(2)
    assert place.service.get(run_at)["last_heartbeat_ts"] == last  # and none came after it
    # Ids of the service are numbers, ours are not: Metaflow does not register numbers.
    assert {type(task) for task in ids} == {int if kind == NATIVE else str}
    assert len(set(ids)) == 9


def test_a_killed_run_worker_beats_no_more_and_a_resume_does(place: Place) -> None:
    known = place.service.runs(FLOW)
    process = place.dagster()

    def sleeping() -> str | None:
        for run in place.service.runs(FLOW) - known:
            if place.service.get(f"/flows/{FLOW}/runs/{run}/steps/leaf/tasks"):
                return run
        return None

    run = wait_for("a sleeping task", sleeping)
    process.kill()
    process.wait()
    time.sleep(7)  # what came of it ends within 5 s
    at = f"/flows/{FLOW}/runs/{run}"

    def beats() -> list[int]:
        tasks = place.service.get(f"{at}/steps/leaf/tasks")
        return [record["last_heartbeat_ts"] for record in [place.service.get(at), *tasks]]

    before = beats()
    time.sleep(3)
    assert beats() == before
    end(process)

    # A run that resumes it beats from the cloning of its tasks on.
    known = place.service.runs(FLOW)
    process = place.dagster("--origin-run-id", run)
    resumed, ages, sent = watch(place, process, known)
    assert process.returncode == 0, (place.folder / "output").read_text()[-5000:]
    assert max(ages) < 6
    assert sent["run"] >= 3
    tasks = place.service.get(f"/flows/{FLOW}/runs/{resumed}/steps/leaf/tasks")
    assert len(tasks) == 9


def test_conflicts_are_answered_as_the_client_expects(service: Service) -> None:
    assert service.code("POST", "/flows/Conflicts", {}) == 200
    assert service.code("POST", "/flows/Conflicts", {}) == 409
    assert service.code("POST", "/flows/Nobody/run", {}) == 404
    assert service.code("POST", "/flows/Conflicts/run", {"run_number": "12"}) == 400
    assert service.code("POST", "/flows/Conflicts/run", {"run_number": "ours"}) == 200
    assert service.code("POST", "/flows/Conflicts/run", {"run_number": "ours"}) == 409
    assert service.code("GET", "/flows/Conflicts/runs/theirs", None) == 404
    assert service.code("POST", "/flows/Conflicts/runs/theirs/heartbeat", {}) == 404
    at = "/flows/Conflicts/runs/ours/tag/mutate"
    tags = [{"tags_to_add": [f"tag{number}"]} for number in range(8)]
    with ThreadPoolExecutor(8) as pool:
        codes = list(pool.map(lambda body: service.code("PATCH", at, body), tags))
    assert set(codes) == {200, 409}
    kept = service.get("/flows/Conflicts/runs/ours")["tags"]
    assert len(kept) == codes.count(200)  # no change was lost
