"""Each option of dagster-k8s that ``create`` takes, as the pods of runs and of steps have it."""

from __future__ import annotations

import json
from importlib import import_module
from typing import Any

import pytest
from support.kubernetes_api import Cluster, Object
from support.processes import wait_for
from support.project import Project

from . import troubled
from .conftest import KEYS
from .dagster_pods import IMAGE, launch, step_pods, step_workers
from .dagster_pods import project as project
from .dagster_pods import settings as settings

pytestmark = pytest.mark.slow

OWN = "registry.example.com/own:1"

FLOW = """
from metaflow import FlowSpec, resources, step

class Options(FlowSpec):
    @resources(cpu=0.5, memory=300, disk=2000, gpu=1, shared_memory=32)
    @step
    def start(self):
        self.next(self.end)

    @step
    def end(self):
        pass

if __name__ == "__main__":
    Options()
"""

CONFIG: dict[str, Any] = {
    "job_image": OWN,
    "job_namespace": "team",
    "image_pull_policy": "Always",
    "image_pull_secrets": [{"name": "registry-key"}],
    "service_account_name": "runner",
    "scheduler_name": "own-scheduler",
    "security_context": {"run_as_non_root": True},
    "env_vars": ["PLAIN=value", "METAFLOW_DEFAULT_METADATA"],
    "env_secrets": ["more-secrets"],
    "env_config_maps": ["more-config"],
    "labels": {"cost": "a-1"},
    "resources": {"requests": {"cpu": "250m"}, "limits": {"memory": "2Gi"}},
    "volumes": [{"name": "claim", "persistent_volume_claim": {"claim_name": "claim"}}],
    "volume_mounts": [{"name": "claim", "mount_path": "/mnt/claim"}],
    "step_k8s_config": {"pod_spec_config": {"node_selector": {"disk": "ssd"}}},
    "per_step_k8s_config": {
        "op_end": {"pod_template_spec_metadata": {"annotations": {"only": "the end"}}}
    },
}
# How the executor itself works; what a run leaves is tested below.
OTHERS = {
    "enable_owner_references",
    "load_incluster_config",
    "kubeconfig_file",
    "max_concurrent",
    "retries",
    "step_dependency_config",
    "tag_concurrency_limits",
}

START = {
    "container_config": {"env": [{"name": "OF_START", "value": "yes"}]},
    "pod_spec_config": {
        "tolerations": [{"key": "gpu", "operator": "Exists", "effect": "NoSchedule"}],
        "termination_grace_period_seconds": 90,
    },
    "pod_template_spec_metadata": {"annotations": {"note": "by hand"}, "labels": {"own": "start"}},
    "job_spec_config": {"ttl_seconds_after_finished": 900},
    "job_metadata": {"annotations": {"of": "the job"}},
}
EVERY = {"pod_template_spec_metadata": {"labels": {"every": "step"}}}
RUN = {
    "container_config": {"resources": {"requests": {"cpu": "100m"}}},
    "pod_template_spec_metadata": {"labels": {"whose": "run"}},
}


@pytest.fixture
def has_what_is_named(project: Project, cluster: Cluster) -> None:
    """The cluster has all that the options name."""
    store = cluster.store
    cluster.namespaces.add("team")
    cluster.node.labels["disk"] = "ssd"
    cluster.node.images[OWN] = cluster.node.images[IMAGE]
    for kind, name in (("secrets", KEYS), ("configmaps", "dagster-instance")):
        data = store.get(kind, "default", name)["data"]
        store.create(kind, "team", {"metadata": {"name": name}, "data": data})
    for kind in ("secrets", "configmaps"):
        name = "more-secrets" if kind == "secrets" else "more-config"
        data = {"MORE_SECRETS": "bW9yZQ=="} if kind == "secrets" else {"MORE_CONFIG": "more"}
        store.create(kind, "team", {"metadata": {"name": name}, "data": data})
    store.create("serviceaccounts", "team", {"metadata": {"name": "runner"}})


def tag(step: str, config: Object) -> str:
    return f"--step-tag={step}dagster-k8s/config={json.dumps(config)}"


@pytest.mark.usefixtures("has_what_is_named")
def test_every_option_reaches_the_pods(project: Project, cluster: Cluster) -> None:
    executor: Any = import_module("dagster_k8s").k8s_job_executor
    fields = executor.config_schema.as_field().config_type
    assert CONFIG.keys() | OTHERS == fields.fields.keys()
    options = [option for option in step_pods(cluster, **CONFIG) if "--image" not in option]
    project.deploy(
        FLOW,
        *options,
        tag("start:", START),
        tag("", EVERY),
        f"--run-tag=dagster-k8s/config={json.dumps(RUN)}",
    )
    launch(project, "Options")
    wait_for("the end of the run", lambda: not cluster.unfinished_jobs(), 300)
    said = [cluster.said(pod)[-3000:] for pod in cluster.all_pods()]
    assert project.query("Flow('Options').latest_run.successful") is True, said

    (run,) = cluster.all_pods(**{"app.kubernetes.io/component": "run_worker"})
    assert run["metadata"]["labels"]["whose"] == "run"
    assert run["metadata"]["namespace"] == "default"
    assert run["spec"]["containers"][0]["resources"]["requests"] == {"cpu": "100m"}

    pods = {pod["metadata"]["labels"]["dagster/op"]: pod for pod in step_workers(cluster)}
    assert pods.keys() == {"op_start", "op_end"}
    for pod in pods.values():
        has_all(pod)
    has_own(pods["op_start"], cluster)
    end = pods["op_end"]
    assert end["spec"]["containers"][0]["resources"] == CONFIG["resources"]
    assert end["metadata"]["annotations"]["only"] == "the end"
    assert "tolerations" not in end["spec"]


def test_steps_may_belong_to_the_pod_of_their_run(project: Project, cluster: Cluster) -> None:
    options = step_pods(cluster, enable_owner_references=True)
    troubled.deploy(project, "resources(cpu=1)", "USER", lasts=9, options=options)
    launch(project, "Troubled")
    wait_for("the task", lambda: any("attempt" in cluster.said(p) for p in cluster.running()), 200)
    pods = {pod["metadata"]["labels"].get("dagster/op"): pod for pod in cluster.running()}
    run, step = pods[None], pods["op_work"]
    (owner,) = job_of(step, cluster)["metadata"]["ownerReferences"]
    assert owner["uid"] == run["metadata"]["uid"]

    cluster.vanish(run)
    wait_for("the end of the pods", lambda: not cluster.running(), 60)
    assert not cluster.unfinished_jobs()


def has_all(pod: Object) -> None:
    """What the executor's config and the tag of every step say."""
    meta, spec, (container,) = pod["metadata"], pod["spec"], pod["spec"]["containers"]
    assert meta["namespace"] == "team"
    assert {"cost": "a-1", "every": "step"}.items() <= meta["labels"].items()
    assert "whose" not in meta["labels"]
    assert spec["serviceAccountName"] == "runner"
    assert spec["schedulerName"] == "own-scheduler"
    assert spec["imagePullSecrets"] == [{"name": "registry-key"}]
    assert spec["nodeSelector"] == {"disk": "ssd"}
    assert container["image"] == OWN
    assert container["imagePullPolicy"] == "Always"
    assert container["securityContext"] == {"runAsNonRoot": True}
    env = {entry["name"]: entry.get("value") for entry in container["env"]}
    assert {"PLAIN": "value", "METAFLOW_DEFAULT_METADATA": "service"}.items() <= env.items()
    sources = [name for source in container["envFrom"] for name in source.values()]
    assert {"name": "more-secrets"} in sources
    assert {"name": "more-config"} in sources
    volumes = {volume["name"]: volume for volume in spec["volumes"]}
    assert volumes["claim"]["persistentVolumeClaim"] == {"claimName": "claim"}
    mounts = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
    assert mounts["claim"] == "/mnt/claim"


def has_own(pod: Object, cluster: Cluster) -> None:
    """What the step's decorator and its own tag say."""
    meta, spec, (container,) = pod["metadata"], pod["spec"], pod["spec"]["containers"]
    requests = {"cpu": "0.5", "memory": "300M", "ephemeral-storage": "2000M"}
    limits = {"nvidia.com/gpu": "1", "memory": "2Gi"}  # what the decorator does not say stays
    assert container["resources"] == {"requests": requests, "limits": limits}
    assert {"name": "OF_START", "value": "yes"} in container["env"]
    assert spec["tolerations"] == START["pod_spec_config"]["tolerations"]
    assert spec["terminationGracePeriodSeconds"] == 90
    assert meta["annotations"]["note"] == "by hand"
    assert meta["labels"]["own"] == "start"
    volumes = {volume["name"]: volume for volume in spec["volumes"]}
    assert volumes["dshm"]["emptyDir"] == {"medium": "Memory", "sizeLimit": "32Mi"}
    mounts = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
    assert mounts["dshm"] == "/dev/shm"
    job = job_of(pod, cluster)
    assert job["spec"]["ttlSecondsAfterFinished"] == 900
    assert job["metadata"]["annotations"]["of"] == "the job"


def job_of(pod: Object, cluster: Cluster) -> Object:
    """The job that a pod was of."""
    name = pod["metadata"]["labels"]["job-name"]
    return [
        change.object
        for change in cluster.store.history
        if change.kind == "jobs" and change.object["metadata"]["name"] == name
    ][-1]
