"""``@kubernetes``: tasks in pods, natively and from Dagster's ops."""

from __future__ import annotations

import pytest
from differential.cases import Case
from support.kubernetes_api import Cluster

from .conftest import Check

WITH = ("--with", "kubernetes")


def test_a_task_in_a_pod_is_that_of_a_native_run(check: Check, cluster: Cluster) -> None:
    check(Case("one_pod"))
    pod = cluster.all_pods()[-1]
    (container,) = pod["spec"]["containers"]
    assert container["resources"]["requests"]["cpu"] == "0.5"
    assert container["resources"]["requests"]["memory"] == "512M"


@pytest.mark.slow
def test_a_run_in_pods_is_a_native_run(check: Check) -> None:
    check(Case("linear", top_options=WITH))


@pytest.mark.slow
def test_retries_and_caught_failures_in_pods(check: Check) -> None:
    check(Case("pods"))


@pytest.mark.slow
@pytest.mark.timeout(2000)
def test_a_foreach_of_fifty_in_pods(check: Check, cluster: Cluster) -> None:
    before = len(cluster.all_pods())
    check(Case("pods", {"size": 50}))
    # Natively and in Dagster: the items, one of them twice, and the step that is caught, twice.
    assert len(cluster.all_pods()) - before >= 2 * 52


@pytest.mark.slow
def test_a_gang_is_a_job_set(check: Check, cluster: Cluster) -> None:
    check(Case("parallel_pods"))
    labels = [pod["metadata"]["labels"] for pod in cluster.all_pods()]
    kinds = [own["jobset.sigs.k8s.io/replicatedjob-name"] for own in labels[-3:]]
    assert kinds == ["control", "worker", "worker"]


@pytest.mark.slow
def test_pods_that_run_out_of_time_are_those_of_a_native_run(check: Check) -> None:
    check(Case("timeout_pods"))


@pytest.mark.slow
def test_a_pod_that_leaves_early_fails_its_op(check: Check) -> None:
    check(Case("early_exit_pods", fails=True))
