"""What ``@resources`` asks for, as tags of an op by which executors size a step's container."""

from __future__ import annotations

from typing import Any

from ..graph import StepView


def resource_tags(step: StepView, *, ecs: bool = False) -> dict[str, Any]:
    """Tags for the container of a step's op; {} where the step does not say what it needs.

    A step with a compute decorator (``@kubernetes``, ``@batch``) has none: the decorator starts a
    container of its own for the task, and what is left for the op is to wait for it.

    Args:
        step: The step's decorators.
        ecs: Tags for Amazon's ECS, else for Kubernetes.
    """
    if any(deco.has_own_container for deco in step.decorators):
        return {}
    for deco in step.decorators:
        if deco.name == "resources":
            needs = {name: v for name, v in deco.attributes.items() if v is not None}
            return _ecs(needs) if ecs else {"dagster-k8s/config": _kubernetes(needs)}
    return {}


def _kubernetes(needs: dict[str, Any]) -> dict[str, Any]:
    """The container as ``@kubernetes`` would size it (metaflow/plugins/kubernetes: quality of
    service "burstable" in kube_utils.py, memory for /dev/shm in kubernetes_job.py)."""
    requests = {"cpu": str(needs["cpu"]), "memory": f"{needs['memory']}M"}
    if "disk" in needs:
        requests["ephemeral-storage"] = f"{needs['disk']}M"
    resources: dict[str, Any] = {"requests": requests}
    if "gpu" in needs:
        resources["limits"] = {"nvidia.com/gpu": str(needs["gpu"])}
    config: dict[str, Any] = {"container_config": {"resources": resources}}
    if "shared_memory" in needs:
        mount = {"name": "dshm", "mount_path": "/dev/shm"}
        memory = {"medium": "Memory", "size_limit": f"{needs['shared_memory']}Mi"}
        config["container_config"]["volume_mounts"] = [mount]
        config["pod_spec_config"] = {"volumes": [{"name": "dshm", "empty_dir": memory}]}
    return config


def _ecs(needs: dict[str, Any]) -> dict[str, Any]:
    """Units of ECS: 1024 for a CPU, and MiB (dagster_aws/ecs/executor.py)."""
    tags = {"ecs/cpu": str(int(float(needs["cpu"]) * 1024)), "ecs/memory": str(needs["memory"])}
    if "disk" in needs:
        gigabytes = -(-int(needs["disk"]) // 1024)
        tags["ecs/ephemeral_storage"] = str(max(21, gigabytes))  # the least that ECS takes
    return tags
