"""Each option of ``@kubernetes``, and each setting for it, as the pod has it."""

from __future__ import annotations

import json
import sys
from typing import Any

import pytest
from metaflow.plugins.kubernetes.kubernetes_decorator import KubernetesDecorator
from support.kubernetes_api import Cluster
from support.project import Project

from .conftest import KEYS

pytestmark = pytest.mark.slow

FLOW = """
from metaflow import FlowSpec, kubernetes, step

class Options(FlowSpec):
    @kubernetes(**OPTIONS)
    @step
    def start(self):
        self.next(self.end)

    @step
    def end(self):
        pass

if __name__ == "__main__":
    Options()
"""

OPTIONS: dict[str, Any] = {
    "cpu": 0.5,
    "memory": 300,
    "disk": 2000,
    "gpu": 1,
    "gpu_vendor": "amd",
    "image": "registry.example.com/own:1",
    "image_pull_policy": "Always",
    "image_pull_secrets": ["registry-key"],
    "service_account": "runner",
    "secrets": ["more"],
    "node_selector": {"disk": "ssd"},
    "compute_pool": "large",
    "namespace": "team",
    "tolerations": [{"key": "gpu", "operator": "Exists", "effect": "NoSchedule"}],
    "labels": {"cost": "a-1"},
    "annotations": {"note": "written by hand"},
    "use_tmpfs": True,
    "tmpfs_tempdir": True,
    "tmpfs_size": 64,
    "tmpfs_path": "/tmp",
    "persistent_volume_claims": {"claim": "/mnt/claim"},
    "shared_memory": 32,
    "port": 8080,
    "executable": "python3",
    "qos": "Guaranteed",
    "extended_resources": {"example.com/thing": "2"},
    "security_context": {"run_as_non_root": True},
}

# SHARED_MEMORY is left out: kubernetes_decorator.py refuses its own setting, which is a text.
SETTINGS = {
    "NAMESPACE": "team",
    "SERVICE_ACCOUNT": "runner",
    "NODE_SELECTOR": "disk=ssd,outerbounds.co/compute-pool=large",
    "TOLERATIONS": json.dumps(OPTIONS["tolerations"]),
    "PERSISTENT_VOLUME_CLAIMS": json.dumps(OPTIONS["persistent_volume_claims"]),
    "SECRETS": f"{KEYS},more",
    "LABELS": "cost=a-1",
    "ANNOTATIONS": "note=written",
    "GPU_VENDOR": "amd",
    "CONTAINER_IMAGE": "own:1",
    "CONTAINER_REGISTRY": "registry.example.com",
    "IMAGE_PULL_POLICY": "Always",
    "IMAGE_PULL_SECRETS": json.dumps(OPTIONS["image_pull_secrets"]),
    "PORT": "8080",
    "CPU": "0.5",
    "MEMORY": "300",
    "DISK": "2000",
    "QOS": "Guaranteed",
    "JOB_TTL_SECONDS_AFTER_FINISHED": "900",
}


@pytest.fixture
def project(project: Project, cluster: Cluster) -> Project:
    """A project on a cluster that has all that the options name."""
    cluster.namespaces.add("team")
    cluster.node.labels |= {"disk": "ssd", "outerbounds.co/compute-pool": "large"}
    cluster.node.images["registry.example.com/own:1"] = next(iter(cluster.node.images.values()))
    keys = cluster.store.get("secrets", "default", KEYS)["data"]
    for name, data in ((KEYS, keys), ("more", {"MORE": "bW9yZQ=="})):
        cluster.store.create("secrets", "team", {"metadata": {"name": name}, "data": data})
    cluster.store.create("serviceaccounts", "team", {"metadata": {"name": "runner"}})
    return project


def runs_both(project: Project, cluster: Cluster, forget: str = "") -> dict[str, Any]:
    """Run natively and, without the settings of the deploy, in Dagster: the pods are alike.

    Returns the pod of Dagster's run.
    """
    project.deploy((project.folder / "flow.py").read_text())
    project.run(sys.executable, "flow.py", "--no-pylint", "run")
    if forget:
        project.env = {k: v for k, v in project.env.items() if not k.startswith(forget)}
    project.execute("Options")
    native, made = cluster.all_pods()
    assert shape(made) == shape(native)
    return made


def shape(pod: dict[str, Any]) -> dict[str, Any]:
    """What is said of a pod apart from which run, task and job it is of."""
    spec = json.loads(json.dumps(pod["spec"]))
    (container,) = spec["containers"]
    command = container.pop("command")
    container["env"] = sorted(entry["name"] for entry in container["env"])
    meta = pod["metadata"]
    own = {k: v for k, v in meta["labels"].items() if "uid" not in k and "job-name" not in k}
    return {
        "namespace": meta["namespace"],
        "labels": own,
        "annotations": {
            name: value
            for name, value in meta["annotations"].items()
            if name.rpartition("/")[2] not in ("run_id", "task_id", "attempt")
        },
        "spec": spec,
        "command": len(command),
    }


def test_every_option_of_the_decorator(project: Project, cluster: Cluster) -> None:
    only_gangs = {"hostname_resolution_timeout"}
    assert OPTIONS.keys() == KubernetesDecorator.defaults.keys() - only_gangs
    (project.folder / "flow.py").write_text(FLOW.replace("OPTIONS", repr(OPTIONS)))
    pod = runs_both(project, cluster)
    spec, (container,) = pod["spec"], pod["spec"]["containers"]
    assert "METAFLOW_TEMPDIR" in {entry["name"] for entry in container["env"]}
    assert container["resources"]["limits"]["amd.com/gpu"] == "1"
    assert container["resources"]["requests"]["example.com/thing"] == "2"
    assert container["securityContext"] == {"runAsNonRoot": True}
    assert spec["nodeSelector"] == {"disk": "ssd", "outerbounds.co/compute-pool": "large"}
    volumes = {volume["name"]: volume for volume in spec["volumes"]}
    assert volumes["tmpfs-ephemeral-volume"]["emptyDir"]["sizeLimit"] == "64Mi"
    assert volumes["dhsm"]["emptyDir"]["sizeLimit"] == "32Mi"
    has_all(pod)
    assert pod["metadata"]["annotations"]["note"] == "written by hand"


def test_every_setting_is_that_of_the_deploy(project: Project, cluster: Cluster) -> None:
    (project.folder / "flow.py").write_text(FLOW.replace("(**OPTIONS)", "(gpu=1)"))
    prefix = "METAFLOW_KUBERNETES_"
    project.env |= {prefix + name: value for name, value in SETTINGS.items()}
    pod = runs_both(project, cluster, forget=prefix)
    has_all(pod)
    assert pod["spec"]["containers"][0]["resources"]["limits"]["amd.com/gpu"] == "1"
    assert pod["metadata"]["annotations"]["note"] == "written"
    job = [change.object for change in cluster.store.history if change.kind == "jobs"][-1]
    assert job["spec"]["ttlSecondsAfterFinished"] == 900


def has_all(pod: dict[str, Any]) -> None:
    """What the options and the settings have in common."""
    spec, (container,) = pod["spec"], pod["spec"]["containers"]
    assert pod["metadata"]["namespace"] == "team"
    assert pod["metadata"]["labels"]["cost"] == "a-1"
    assert spec["serviceAccountName"] == "runner"
    assert spec["nodeSelector"]["disk"] == "ssd"
    assert spec["tolerations"] == OPTIONS["tolerations"]
    assert spec["imagePullSecrets"] == [{"name": "registry-key"}]
    assert container["image"] == "registry.example.com/own:1"
    assert container["imagePullPolicy"] == "Always"
    assert container["ports"] == [{"containerPort": 8080}]
    assert {source["secretRef"]["name"] for source in container["envFrom"]} == {KEYS, "more"}
    size = {"cpu": "0.5", "memory": "300M", "ephemeral-storage": "2000M"}
    requests, limits = container["resources"]["requests"], container["resources"]["limits"]
    assert size.items() <= requests.items()
    assert size.items() <= limits.items()
    mounts = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
    assert mounts["claim"] == "/mnt/claim"
    volumes = {volume["name"]: volume for volume in spec["volumes"]}
    assert volumes["claim"]["persistentVolumeClaim"] == {"claimName": "claim"}
