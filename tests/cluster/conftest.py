"""A cluster with Metaflow's datastore and metadata beside it, and the check of a run on it."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from differential import compare, runs
from differential.cases import Case
from differential.conftest import dagster_home as dagster_home
from differential.conftest import launcher as launcher
from support.kubernetes_api import Cluster, serve
from support.processes import wait_for
from support.project import Project
from support.remote import Remote

KEYS = "aws-keys"
"""The secret with the keys of the datastore."""
_RUN_SECONDS = 900.0  # that a run in pods may take; a pod takes some 4 s of CPU time


@pytest.fixture
def cluster(tmp_path: Path, remote: Remote) -> Iterator[Cluster]:
    (tmp_path / "cluster").mkdir()
    with serve(tmp_path / "cluster") as cluster:
        keys = {name: value for name, value in remote.env.items() if name.startswith("AWS_")}
        cluster.secret(KEYS, **keys)
        cluster.node.max_pods = 6  # what two cores can do at a time
        yield cluster


@pytest.fixture
def env(cluster: Cluster, remote: Remote) -> dict[str, str]:
    """What a shell has for Metaflow to use the cluster."""
    return {
        **remote.env,
        "KUBECONFIG": str(cluster.kubeconfig),
        "METAFLOW_KUBERNETES_SECRETS": KEYS,
    }


@pytest.fixture
def project(tmp_path: Path, env: dict[str, str]) -> Project:
    """A folder whose flows use the cluster."""
    (tmp_path / "project").mkdir()
    project = Project(tmp_path / "project")
    project.env |= env
    return project


@pytest.fixture(scope="module")
def reader(remote: Remote, tmp_path_factory: pytest.TempPathFactory) -> Iterator[runs.Reader]:
    reader = runs.Reader(tmp_path_factory.mktemp("reader"), remote.env)
    yield reader
    reader.close()


Check = Callable[..., dict[str, Any]]


@pytest.fixture
def left(cluster: Cluster) -> Callable[[], list[Any]]:
    """What a run has left: what runs, and what may still start something."""
    return lambda: [*cluster.running(), *cluster.unfinished_jobs()]


@pytest.fixture
def check(
    tmp_path: Path,
    left: Callable[[], list[Any]],
    remote: Remote,
    env: dict[str, str],
    reader: runs.Reader,
    launcher: runs.Launcher,
    dagster_home: Path,
    pytestconfig: pytest.Config,
) -> Check:
    """Run a case natively and in Dagster, and hold the runs to each other.

    Nothing may be left of either where its tasks ran.
    """
    assert pytestconfig.cache is not None
    cache = Path(pytestconfig.cache.mkdir("native-runs"))
    numbers = itertools.count()

    def check(case: Case, engine: str = "default") -> dict[str, Any]:
        folder = tmp_path / f"run{next(numbers)}"
        env_of_both = {**env, **case.env}
        case = replace(case, env=env_of_both, metadata=remote.metadata, seconds=_RUN_SECONDS)
        native = runs.run_native_once(case, folder / "native", reader, cache)
        made, facts, output = runs.run_dagster(
            case, folder / "dagster", reader, launcher, dagster_home, engine
        )
        assert made is not None, output[-6000:]
        found = compare.differences(neutral(native), neutral(made))
        found += compare.mismatches(case.fails, made, facts)
        found = [d for d in found if not any(pattern in d for pattern in case.ignore)]
        text = "\n".join(f"- {difference}" for difference in found[:25])
        assert not found, f"{text}\n{facts['failures']}\n{output[-3000:]}"
        # The pod of the last step may outlive the run by as long as its interpreter takes to end.
        wait_for("the end of all that the runs have started", lambda: not left(), 60)
        return {"native": native, "dagster": made, "facts": facts, "output": output}

    return check


def neutral(run: dict[str, Any]) -> dict[str, Any]:
    """A run's summary without names of pods and jobs, and how often their start was told of."""
    text = json.dumps(run)
    text = re.sub(r"\b(pod|job) t-[0-9a-f]{8}-\w{5}(-\w{5})?", "pod <pod>", text)
    text = re.sub(r"\bt-[0-9a-f]{8}-\w{5}-\w{5}\b", "<pod>", text)
    text = re.sub(r"\bjs-[0-9a-f]{6}(-\w+-\d+-\w{5})?", "<jobset>", text)
    text = re.sub(r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", "<uid>", text)
    text = re.sub(r"\b[0-9a-f]{32}\b", "<uid>", text)
    text = re.sub(r"\[[^\]\"]*\] Task is starting \([^\"]*?\)\.\.\.[^\\]*\\n", "", text)
    # What saving the logs took, which is in the log of a pod that fails.
    text = re.sub(r"(elapsed_seconds=|mflog_std(?:out|err)\W+)[\d.]+", r"\1<number>", text)
    return json.loads(text)
