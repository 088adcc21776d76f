"""Runs on Celery and Dask that lose workers, the run worker, the broker, the database and S3.

Each run has to succeed, or its resume has to, with the artifacts of a native run. No task that had
succeeded may be done again, and no process of a task may be left. The figures are printed.
"""

from __future__ import annotations

import json
import random
import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from threading import Timer
from typing import Any
from urllib.parse import urlsplit

import pytest
from differential import runs
from differential.cases import Case
from support.network import Network, network
from support.postgres import Postgres
from support.processes import end, wait_for
from support.proxy import Proxy, Trouble
from support.remote import Remote

from .conftest import Cluster, Execution
from .hosts import Site, processes_at
from .stores import Store

CASES = [Case("lasting"), Case("engines", {"size": 2})]
EVENTS = 3  # at most, in a run
OUTAGES: dict[str, Trouble] = {
    "S3 was slow": "slow",
    "S3 failed": "failing",
    "S3 was cut off": "cut off",
}
_OUTAGE = (2, 10)  # seconds
_TIMEOUT = 240  # seconds without an end after which the run worker is killed
_RESUME = 900  # seconds that a resume may take, on a machine that is busy otherwise

Troubles = dict[str, Callable[[], None]]


@pytest.fixture
def site(tmp_path: Path, postgres: str, remote: Remote) -> Iterator[Site]:
    """Hosts whose Dagster keeps everything in PostgreSQL, and which know the keys of S3.

    Where the machine allows it, each worker has a network of its own.
    """
    with network() as net:
        where = net if isinstance(net, Network) else None
        print(f"\nWorkers have {'networks of their own' if where else f'no network: {net}'}.")
        site = Site(tmp_path, where)
        server = urlsplit(postgres)
        way = Proxy(server.port or 0, site.address)
        server = server._replace(netloc=f"dagster@{site.address}:{way.port}")
        config = {"postgres": {"postgres_url": server.geturl()}}
        config = {"telemetry": {"enabled": False}, "storage": config}
        (site.home / "dagster.yaml").write_text(json.dumps(config))
        site.env |= {name: value for name, value in remote.env.items() if name.startswith("AWS_")}
        yield site
        site.close()
        way.close()


@pytest.fixture
def way_to_s3(site: Site, remote: Remote) -> Iterator[Proxy]:
    """The way that hosts have to S3."""
    proxy = Proxy(urlsplit(remote.env["METAFLOW_S3_ENDPOINT_URL"]).port or 0, site.address)
    yield proxy
    proxy.close()


@pytest.fixture
def s3(site: Site, remote: Remote, way_to_s3: Proxy, tmp_path: Path) -> Iterator[Store]:
    """Whoever judges has a way of their own."""
    (tmp_path / "s3-reader").mkdir()
    reader = runs.Reader(tmp_path / "s3-reader", remote.env)
    way = Proxy(urlsplit(remote.env["METAFLOW_SERVICE_URL"]).port or 0, site.address)
    env = {**remote.env, "METAFLOW_S3_ENDPOINT_URL": way_to_s3.url, "METAFLOW_SERVICE_URL": way.url}
    yield site.s3(reader, env, remote.metadata)
    reader.close()
    way.close()


class Storm:
    """What happens to a cluster, at random, and how often it has."""

    def __init__(self, cluster: Cluster, seed: int) -> None:
        self.random = random.Random(seed)
        self.workers = list(cluster.workers)
        self.happened: Counter[str] = Counter()
        self._cluster = cluster
        self._cut_off: list[Timer] = []

    def blow(self, execution: Execution, troubles: Troubles) -> None:
        """Do harm to a run until it has ended."""
        troubles = {**troubles, "a worker died": self._lose_worker}
        troubles["the run worker died"] = execution.submitter.die
        if self.workers[0].cable:
            troubles["a worker was cut off"] = self._cut_worker_off

        def has_ended() -> bool:
            return execution.process.poll() is not None

        wait_for("the run", lambda: has_ended() or "RUN_START" in execution.submitter.said())
        for _ in range(self.random.randint(1, EVENTS)):
            time.sleep(self.random.uniform(0, 8))
            if has_ended():
                break
            name = self.random.choice(sorted(troubles))
            troubles[name]()
            self.happened[name] += 1
        deadline = time.monotonic() + _TIMEOUT
        while not has_ended() and time.monotonic() < deadline:
            time.sleep(0.2)
        if not has_ended():
            self.happened["no end"] += 1
            end(execution.process)
        while self._cut_off:
            self._cut_off.pop().join()

    def _cut_worker_off(self) -> None:
        """For some seconds; it works on without the others."""
        cable = self.random.choice(self.workers).cable
        assert cable is not None
        cable.plug(False)
        self._cut_off.append(Timer(self.random.uniform(*_OUTAGE), cable.plug, [True]))
        self._cut_off[-1].start()

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
    disk: Store,
    s3: Store,
    way_to_s3: Proxy,
    postgres_server: Postgres,
    execute: Callable[..., Execution],
    native: Callable[[Case], dict[str, Any]],
    pytestconfig: pytest.Config,
) -> None:
    cluster: Cluster = request.getfixturevalue(engine)
    storm = Storm(cluster, seed=int(pytestconfig.getoption("--random-seed") or 0))
    common: Troubles = {"PostgreSQL was restarted": postgres_server.restart}
    if engine == "celery":
        common["Redis was restarted"] = request.getfixturevalue("redis").restart

    def outage(kind: Trouble) -> None:
        way_to_s3.be(kind, storm.random.uniform(*_OUTAGE))

    outages: Troubles = {name: partial(outage, kind) for name, kind in OUTAGES.items()}
    of_store = {disk.name: common, s3.name: {**common, **outages}}
    ends: Counter[str] = Counter()
    for number in range(int(pytestconfig.getoption("--chaos-runs") or 0)):
        case, store = storm.random.choice(CASES), storm.random.choice([disk, s3])
        current = Cluster(cluster.options, tuple(storm.workers), cluster.start_worker)
        execution = execute(case, current, name=f"submitter{number}", store=store)
        before, began = storm.happened.copy(), time.monotonic()
        storm.blow(execution, of_store[store.name])
        how = _judge(case, site, execution, disk.reader, native(case))
        ends[f"{how} ({store.name})"] += 1
        troubles = ", ".join((storm.happened - before).elements())
        lasted = f"{time.monotonic() - began:.0f} s"
        print(f"\n{engine}, {case.flow} on {store.name}: {troubles}: {how} after {lasted}")
    figures = {"ends": ends, "troubles": storm.happened, "requests hit": way_to_s3.hits}
    print(f"\n{engine}: {json.dumps(figures)}")


def _judge(
    case: Case, site: Site, execution: Execution, reader: runs.Reader, native: dict[str, Any]
) -> str:
    """How a run has ended. Fails where something is lost, done twice or left."""
    time.sleep(2)  # steps that were under way when the run worker died
    facts = reader("dagster", home=str(site.home), tag=execution.tag)
    if facts is None:
        return "died before it began"
    read = partial(execution.store.read, case.flow_class, sources=site.sources)
    made = read(facts["metaflow_run_id"])
    if made is None:
        return "died before it began"
    _check_once(made)
    if facts["status"] == "SUCCESS":
        assert _results(made) == _results(native)
        how = "succeeded"
    else:
        again = read(_resume(execution, facts["metaflow_run_id"]))
        assert again is not None
        assert _results(again) == _results(native)
        _check_once(again)
        cloned = {k for k, task in again["tasks"].items() if "origin-task-id" in str(task)}
        succeeded = {key for key, task in made["tasks"].items() if task["successful"]}
        assert succeeded - {"_parameters"} <= cloned, succeeded - cloned
        how = "succeeded after a resume"
    wait_for("the end of all tasks", lambda: not _tasks_running(site), 60)
    return how


def _check_once(run: dict[str, Any]) -> None:
    """No task has succeeded twice, or twice over in two tasks."""
    assert run["run"]["tasks_with_the_same_key"] == 0
    twice = {path: count for path, count in run["successes"].items() if count > 1}
    assert not twice, twice


def _resume(execution: Execution, run_id: str) -> str:
    author, command = execution.deployed
    options = ["--origin-run-id", run_id, "--wait", "--run-id-file", "resumed"]
    author.run(*command, "dagster", "resume", *options, seconds=_RESUME)
    return (author.folder / "resumed").read_text().strip()


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


def _tasks_running(site: Site) -> list[bytes]:
    """Command lines of steps that run on a host of the site."""
    return [command for command in processes_at(site.folder).values() if b"\0step\0" in command]
