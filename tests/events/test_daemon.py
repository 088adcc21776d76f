"""Events with a real ``dagster dev``: webserver, daemon and code servers. Slow."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from dagster import DagsterInstance, DagsterRunStatus, RunsFilter
from events.flows import HOOKED, flow
from support.project import Project

pytestmark = pytest.mark.slow

EVENTS = 1000
# What runs do is no part of these tests: they stay in the queue, which costs nothing.
HELD = "concurrency:\n  runs:\n    max_concurrent_runs: 0\n"
# Sensors with many runs to start do it side by side.
THREADS = "sensors:\n  use_threads: true\n  num_workers: 4\n  num_submit_workers: 1\n"
QUIET = "telemetry:\n  enabled: false\n"


class Deployment:
    """``dagster dev`` on generated files, in a process group of its own."""

    def __init__(self, home: Path, files: list[Path], settings: str) -> None:
        self.home, self.files = home, files
        home.mkdir(exist_ok=True)
        (home / "dagster.yaml").write_text(QUIET + settings)
        self.env = {k: v for k, v in os.environ.items() if not k.startswith("METAFLOW_")}
        self.env |= {"DAGSTER_HOME": str(home), "USER": "tester"}
        self.process: subprocess.Popen[bytes] | None = None
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.instance = DagsterInstance.from_config(str(home))

    def start(self) -> None:
        command = [sys.executable, "-m", "dagster", "dev", "-h", "127.0.0.1"]
        command += ["-p", str(self.port)]
        for file in self.files:
            command += ["-f", str(file)]
        with (self.home / "dev.log").open("ab") as log:
            self.process = subprocess.Popen(
                command,
                cwd=self.home,
                env=self.env,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def wait_for_webserver(self) -> None:
        def answers() -> bool:
            try:
                with urllib.request.urlopen(f"{self.url}/server_info", timeout=2):
                    return True
            except OSError:
                return False

        eventually(answers, 300)

    def kill(self) -> None:
        """The whole deployment at once, without a chance to tidy up."""
        if self.process is not None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            self.process = None

    def runs(self, job: str) -> list[Any]:
        return list(reversed(self.instance.get_runs(RunsFilter(job_name=job))))


def eventually(condition: Callable[[], object], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.5)


@pytest.fixture
def deployment(tmp_path: Path) -> Iterator[Callable[..., Deployment]]:
    started: list[Deployment] = []

    def make(files: list[Path], settings: str = "") -> Deployment:
        started.append(Deployment(tmp_path / "home", files, settings))
        return started[-1]

    yield make
    for one in started:
        one.kill()
        one.instance.dispose()


PUBLISHER = """
import sys, time
from metaflow import DagsterEvent
first, count = int(sys.argv[1]), int(sys.argv[2])
for n in range(first, first + count):
    DagsterEvent("tick", {"n": n}).publish(ignore_errors=False)
    if n % 50 == 0:
        time.sleep(1)
"""


@pytest.mark.timeout(1200)
def test_a_thousand_events(deploy, deployment):
    """Bursts from four processes while the deployment is killed: one run each, as published."""
    ticking = flow("TickFlow", '@trigger(event="tick")', '    n = Parameter("n", default=-1)\n')
    files = [deploy(ticking).folder / "defs.py"]
    one = deployment(files, HELD + THREADS)
    one.start()
    one.wait_for_webserver()
    share = EVENTS // 4
    publishers = [
        subprocess.Popen(
            [sys.executable, "-c", PUBLISHER, str(n * share), str(share)],
            env=one.env,
            stderr=subprocess.DEVNULL,
        )
        for n in range(4)
    ]
    began = time.monotonic()
    for _ in range(4):
        known = len(one.runs("TickFlow"))
        eventually(lambda known=known: len(one.runs("TickFlow")) > known + 30, 240)
        one.kill()
        one.start()
    assert [publisher.wait() for publisher in publishers] == [0] * 4
    eventually(lambda: len(one.runs("TickFlow")) >= EVENTS, 600)
    print(f"{EVENTS} events, {time.monotonic() - began:.0f} s")
    time.sleep(12)  # Would a tick start one of them again?
    runs = one.runs("TickFlow")
    numbers = [run.run_config["ops"]["op_start"]["config"]["n"] for run in runs]
    assert Counter(numbers) == Counter(range(EVENTS))
    for publisher in range(4):
        own = [n for n in numbers if n // share == publisher]
        assert own == sorted(own), "a publisher's events start their runs in order"


@pytest.mark.timeout(900)
def test_chains_hooks_and_http(tmp_path, deploy, deployment):
    """Three flows in three code locations, a hook after SIGKILL, both events of a pair."""
    sources = [
        flow("FirstFlow"),
        flow("SecondFlow", '@trigger_on_finish(flow="FirstFlow")'),
        flow(
            "ThirdFlow",
            '@trigger_on_finish(flow="SecondFlow")',
            start="self.upstream = current.trigger.run.pathspec",
        ),
        flow(
            "PairFlow",
            '@trigger(events=[{"name": "a", "parameters": {"n": "x"}}, "b"])',
            '    n = Parameter("n", default=-1)\n',
        ),
        HOOKED,
    ]
    projects: list[Project] = []
    for number, source in enumerate(sources):
        folder = tmp_path / f"project{number}"
        folder.mkdir()
        project = Project(folder)
        # One datastore, so that each flow finds the run before it.
        project.env["METAFLOW_DATASTORE_SYSROOT_LOCAL"] = str(tmp_path)
        (project.folder / "flow.py").write_text(source)
        projects.append(project)
        names = {"FirstFlow": "--name=nightly"}
        option = [names[n] for n in names if f"class {n}" in source]
        project.deploy(source, *option)
        (project.folder / "defs.py").rename(project.folder / f"defs{number}.py")
    files = [p.folder / f"defs{n}.py" for n, p in enumerate(projects)]
    one = deployment(files)
    one.start()
    one.wait_for_webserver()

    for name, payload in (("a", {"x": 5}), ("b", {})):
        request = urllib.request.Request(
            f"{one.url}/report_asset_materialization/metaflow/events/{name}",
            json.dumps({"metadata": payload}).encode(),
            {"Content-Type": "application/json"},
        )
        urllib.request.urlopen(request).close()
    command = [sys.executable, "-m", "dagster", "job", "execute"]
    subprocess.run([*command, "-f", str(files[0]), "-j", "nightly"], env=one.env, check=True)

    launch = [sys.executable, "-m", "dagster", "job", "launch", "-f", str(files[4])]
    (tmp_path / "slow.yaml").write_text("ops: {op_start: {config: {how: slowly}}}")
    launch += ["-j", "HookedFlow", "-c", str(tmp_path / "slow.yaml")]
    subprocess.run(launch, env=one.env, check=True, cwd=projects[4].folder)
    log = projects[4].folder / "hooks.log"
    eventually(lambda: log.exists() and "started" in log.read_text(), 240)
    (hooked,) = one.runs("HookedFlow")
    os.kill(_worker_of(one.instance, hooked.run_id), signal.SIGKILL)

    def succeeded(job: str) -> bool:
        return [run.status for run in one.runs(job)] == [DagsterRunStatus.SUCCESS]

    eventually(lambda: all(map(succeeded, ("SecondFlow", "ThirdFlow", "PairFlow"))), 300)
    (second,) = one.runs("SecondFlow")
    (third,) = one.runs("ThirdFlow")
    (pair,) = one.runs("PairFlow")
    assert pair.run_config["ops"]["op_start"]["config"] == {"n": 5}
    pathspec = json.loads(third.tags[".dagster/metaflow_triggered_by"])[0]["id"]
    assert pathspec == f"SecondFlow/{second.tags['metaflow/run_id']}/end/end"
    assert f"{third.tags['metaflow/triggered_by']}/end/end" == pathspec
    upstream = projects[2].query("Flow('ThirdFlow').latest_run.data.upstream")
    assert upstream == f"SecondFlow/{second.tags['metaflow/run_id']}"

    eventually(lambda: "bad" in log.read_text(), 240)
    time.sleep(15)
    assert log.read_text().count("bad") == 1
    assert len(one.runs("HookedFlow_exit_hooks")) == 1
    assert len(one.runs("SecondFlow")) == len(one.runs("ThirdFlow")) == 1


def _worker_of(instance: DagsterInstance, run_id: str) -> int:
    """The process that runs a job, as its executor reports it."""
    for entry in instance.all_logs(run_id):
        if match := re.search(r"Executing steps .*\(pid: (\d+)\)", entry.message):
            return int(match.group(1))
    raise AssertionError("the run does not say which process it is")
