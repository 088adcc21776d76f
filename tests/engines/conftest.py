"""Engines on several hosts, and the check that a run on them is what a native run is."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from subprocess import Popen
from typing import Any

import pytest
import yaml
from differential import compare, runs
from differential.cases import Case
from support.processes import free_port, needed, wait_for

from .hosts import BIN, Deployed, Host, Site
from .stores import Store

CELERY = Path(__file__).parents[2] / "examples" / "deploy" / "celery.yaml"


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[runs.Reader]:
    reader = runs.Reader(tmp_path_factory.mktemp("reader"))
    yield reader
    reader.close()


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    site = Site(tmp_path)
    yield site
    site.close()


class Redis:
    """A Redis on a host of its own, which keeps its data when it is started again."""

    def __init__(self, site: Site) -> None:
        self._host, self._port = site.host("redis"), free_port()
        self.url = f"redis://{self._host.address}:{self._port}"
        self._process = self._start()

    def restart(self) -> None:
        self._process.kill()  # it has no environment by which its host could find it
        self._process.wait()
        self._process = self._start()

    def _start(self) -> Popen[bytes]:
        ready = self._host.said().count("eady to accept")
        options = ["--bind", self._host.address, "--protected-mode", "no"]
        options += ["--save", "", "--appendonly", "yes"]
        server = needed("redis-server", "redis-server")
        process = self._host.start(server, "--port", str(self._port), *options)
        wait_for(
            "the start of redis-server",
            lambda: self._host.said().count("eady to accept") > ready,
        )
        return process


@pytest.fixture
def redis(site: Site) -> Redis:
    """A Redis that serves this test only."""
    return Redis(site)


@dataclass(frozen=True)
class Cluster:
    """An engine that is running: what the job is deployed with, and the hosts that work."""

    options: tuple[str, ...]
    workers: tuple[Host, ...]
    start_worker: Callable[[str], Host]


@pytest.fixture
def dask(site: Site) -> Cluster:
    """A Dask scheduler with two workers, each on a host of its own."""
    scheduler, port = site.host("scheduler"), free_port()
    address = f"tcp://{scheduler.address}:{port}"
    scheduler.start(
        *(str(BIN / "dask"), "scheduler", "--host", scheduler.address),
        *("--port", str(port), "--no-dashboard"),
    )
    wait_for("the start of Dask's scheduler", lambda: "Scheduler at" in scheduler.said())

    def start_worker(name: str) -> Host:
        host = site.worker(name)
        options = ["--nthreads", "1", "--no-dashboard", "--local-directory", str(host.folder)]
        host.start(str(BIN / "dask"), "worker", address, "--host", host.address, *options)
        wait_for(f"the start of {name}", lambda: "Registered to" in host.said())
        return host

    options = (
        "--executor=metaflow_extensions.dagster.executor.dask:dask_executor",
        "--executor-config=" + json.dumps({"cluster": {"existing": {"address": address}}}),
    )
    return Cluster(options, (start_worker("worker1"), start_worker("worker2")), start_worker)


@pytest.fixture
def celery(site: Site, redis: Redis) -> Cluster:
    """Two workers of Celery, each on a host of its own."""
    site.env |= {
        "DAGSTER_CELERY_BROKER": f"{redis.url}/0",
        "DAGSTER_CELERY_BACKEND": f"{redis.url}/1",
    }
    config = yaml.safe_load(CELERY.read_text())
    config["config_source"]["broker_transport_options"]["visibility_timeout"] = 15

    def start_worker(name: str) -> Host:
        host = site.worker(name)
        (host.folder / "celery.yaml").write_text(json.dumps({"execution": {"config": config}}))
        host.start(
            *(str(BIN / "dagster-celery"), "worker", "start", "-A", "dagster_celery.app"),
            *("-y", "celery.yaml", "-n", name, "--", "--concurrency=1"),
        )
        wait_for(f"the start of {name}", lambda: re.search(r"celery@|@\S+ ready", host.said()))
        return host

    options = (
        "--executor=dagster_celery:celery_executor",
        "--executor-config=" + json.dumps(config),
    )
    return Cluster(options, (start_worker("worker1"), start_worker("worker2")), start_worker)


@dataclass(frozen=True)
class Execution:
    """A run that was started by a host that does no work itself."""

    deployed: Deployed
    store: Store
    submitter: Host
    tag: str
    process: Any

    def wait(self, seconds: float = 500) -> None:
        self.process.wait(timeout=seconds)


@pytest.fixture
def disk(site: Site, reader: runs.Reader) -> Store:
    """The folder that all hosts share."""
    return site.disk(reader)


@pytest.fixture
def execute(site: Site, disk: Store) -> Callable[..., Execution]:
    """Put the definitions on all hosts, and start a run from one more."""

    known: dict[tuple[str, str], Deployed] = {}

    def execute(
        case: Case, cluster: Cluster, name: str = "submitter", store: Store = disk
    ) -> Execution:
        key = (case.flow, store.name)
        if key not in known:
            known[key] = site.deploy(case.flow, store, *cluster.options)
        deployed = known[key]
        submitter, file = site.host(name), f"{case.flow}_on_{store.name}_defs.py"
        for host in (submitter, *cluster.workers):
            (host.folder / file).write_text(deployed.text)
        tag = uuid.uuid4().hex
        command = [str(BIN / "dagster"), "job", "execute", "-f", file]
        command += ["-j", case.flow_class, "--tags", json.dumps({"differential": tag})]
        if case.params:
            (submitter.folder / "run.json").write_text(json.dumps(case.run_config))
            command += ["-c", "run.json"]
        return Execution(deployed, store, submitter, tag, submitter.start(*command))

    return execute


@pytest.fixture
def native(
    reader: runs.Reader, tmp_path: Path, pytestconfig: pytest.Config
) -> Callable[[Case], dict[str, Any]]:
    """What a native run leaves; each case is run once."""
    assert pytestconfig.cache is not None
    cache = Path(pytestconfig.cache.mkdir("native-runs"))
    return lambda case: runs.run_native_once(case, tmp_path / f"native-{case.flow}", reader, cache)


@pytest.fixture
def check(
    site: Site, reader: runs.Reader, native: Callable[[Case], dict[str, Any]]
) -> Callable[..., dict[str, Any]]:
    """Hold an ended run to the native one. Returns the facts that Dagster has of it."""

    def check(case: Case, execution: Execution) -> dict[str, Any]:
        facts = reader("dagster", home=str(site.home), tag=execution.tag)
        assert facts is not None, execution.submitter.said()[-6000:]
        made = execution.store.read(case.flow_class, facts["metaflow_run_id"], site.sources)
        assert made is not None, execution.submitter.said()[-6000:]
        found = compare.differences(native(case), made) + compare.mismatches(
            case.fails, made, facts
        )
        found = [d for d in found if not any(pattern in d for pattern in case.ignore)]
        text = "\n".join(f"- {difference}" for difference in found[:25])
        assert not found, f"{text}\n{facts['failures']}\n{execution.submitter.said()[-3000:]}"
        return facts

    return check
