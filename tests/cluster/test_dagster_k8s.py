"""dagster-k8s itself: runs and steps in pods, by its run launcher and its executor."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from differential import compare, runs
from differential.cases import Case
from support.kubernetes_api import Cluster
from support.processes import wait_for
from support.project import Project
from support.remote import Remote

from . import troubled
from .conftest import neutral
from .dagster_pods import launch, run
from .dagster_pods import options as options
from .dagster_pods import project as project
from .dagster_pods import settings as settings

pytestmark = pytest.mark.slow

TERMINATE = """
from dagster import DagsterInstance
with DagsterInstance.get() as instance:
    (record,) = instance.get_run_records(limit=1)
    assert instance.run_launcher.terminate(record.dagster_run.run_id)
"""
STATUS = """
from dagster import DagsterInstance
with DagsterInstance.get() as instance:
    print(instance.get_run_records(limit=1)[0].dagster_run.status.value)
"""


def check(
    project: Project,
    cluster: Cluster,
    reader: runs.Reader,
    case: Case,
    tag: str,
    cache: Path,
) -> dict[str, Any]:
    native = runs.run_native_once(case, project.folder / "native", reader, cache)
    facts = reader("dagster", home=str(project.folder / "dagster_home"), tag=tag)
    said = "\n".join(cluster.said(pod)[-3000:] for pod in cluster.all_pods())
    assert facts["status"] == "SUCCESS", f"{facts['failures']}\n{said}"
    made = reader(
        "metaflow",
        folder=str(project.folder),
        flow=case.flow_class,
        run_id=facts["metaflow_run_id"],
        metadata=case.metadata,
        sources=[rf"{project.folder.parent}/cluster/pods/[0-9a-f-]+/home"],
    )
    found = compare.differences(neutral(native), neutral(made))
    found += compare.mismatches(case.fails, made, facts)
    assert not found, "\n".join(found[:25])
    assert cluster.running() == []
    return facts


# A foreach, and a step whose pod starts one more.
@pytest.mark.parametrize("flow", ["lasting", "one_pod"])
def test_a_run_in_pods_of_dagster_is_a_native_run(
    project: Project,
    cluster: Cluster,
    remote: Remote,
    env: dict[str, str],
    reader: runs.Reader,
    pytestconfig: pytest.Config,
    options: list[str],
    flow: str,
) -> None:
    assert pytestconfig.cache is not None
    case = replace(Case(flow), env=env, metadata=remote.metadata)
    cluster.node.labels["a"] = "b"
    tag = run(
        project,
        cluster,
        case,
        *options,
        '--step-tag=start:dagster-k8s/config={"pod_spec_config": {"node_selector": {"a": "b"}}}',
    )
    facts = check(
        project, cluster, reader, case, tag, Path(pytestconfig.cache.mkdir("native-runs"))
    )
    pods = cluster.all_pods()
    workers = [pod["metadata"]["labels"].get("app.kubernetes.io/component") for pod in pods]
    assert workers.count("run_worker") == 1
    assert workers.count("step_worker") == sum(
        step["status"] == "SUCCESS" for step in facts["steps"].values()
    )
    selectors = [pod["spec"].get("nodeSelector") for pod in pods]
    assert selectors.count({"a": "b"}) == 1


def start(project: Project, cluster: Cluster, options: list[str]) -> None:
    """Start a run whose second task lasts, and wait for that."""
    troubled.deploy(project, "resources(cpu=1)", "USER", lasts=9, options=options)
    launch(project, "Troubled")
    wait_for("the task", lambda: any("attempt" in cluster.said(p) for p in cluster.running()), 200)


def test_a_cancelled_run_leaves_no_pod_and_goes_on_where_it_was(
    project: Project, cluster: Cluster, options: list[str]
) -> None:
    def steps() -> list[str]:
        """The step keys of the pods that there were."""
        labels = [pod["metadata"]["labels"] for pod in cluster.all_pods()]
        return sorted(own["dagster/op"] for own in labels if "dagster/op" in own)

    start(project, cluster, options)
    project.run(sys.executable, "-c", TERMINATE)
    wait_for("the end of the pods", lambda: not cluster.running(), 60)
    assert not cluster.unfinished_jobs()
    assert "CANCELED" in project.run(sys.executable, "-c", STATUS).stdout
    assert steps() == ["op_start", "op_work"]

    (project.folder / "go").touch()
    troubled.can_be_reexecuted(project)
    assert steps() == ["op_end", "op_start", "op_work", "op_work"]
    assert not cluster.running()


def test_a_run_whose_pods_are_lost_can_be_resumed(
    project: Project, cluster: Cluster, options: list[str]
) -> None:
    start(project, cluster, options)
    for pod in cluster.running():
        cluster.vanish(pod)
    wait_for("the end of the pods", lambda: not cluster.running(), 100)
    (project.folder / "go").touch()
    troubled.can_be_resumed(project)
