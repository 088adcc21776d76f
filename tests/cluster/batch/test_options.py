"""Each option of ``@batch``, and each setting for it, as the job has it."""

from __future__ import annotations

import json
import sys
from typing import Any

import pytest
from metaflow.plugins.aws.batch.batch_decorator import BatchDecorator
from support.batch_api import Batch, Job, Json
from support.project import Project

pytestmark = pytest.mark.slow

FLOW = """
from metaflow import FlowSpec, batch, resources, step

class Options(FlowSpec):
    @resources(memory=256, shared_memory=32)
    @batch(**OPTIONS)
    @step
    def start(self):
        self.next(self.end)

    @step
    def end(self):
        pass

if __name__ == "__main__":
    Options()
"""

IMAGE = "registry.example.com/own:1"
TASKS, EXECUTION = (f"arn:aws:iam::123456789012:role/{name}" for name in ("own", "execution"))

COMMON: Json = {
    "cpu": 2,
    "gpu": 1,
    "memory": 300,
    "image": IMAGE,
    "iam_role": TASKS,
    "aws_batch_tags": {"cost": "a-1"},
    "efa": 1,
    "host_volumes": ["/mnt/data", "/mnt/a:/mnt/b"],
    "efs_volumes": ["fs-12345678:/mnt/files"],
    "log_driver": "awslogs",
    "log_options": ["awslogs-group:own"],
    "executable": "python3",
    "privileged": True,
}
# Each compute environment takes options that others refuse, and two are names of one.
ON_EC2: Json = {
    "queue": "queue",
    "shared_memory": 64,
    "max_swap": 128,
    "swappiness": 10,
    "inferentia": 2,
    "use_tmpfs": True,
    "tmpfs_tempdir": True,
    "tmpfs_size": 48,
    "tmpfs_path": "/tmp",
}
ON_FARGATE: Json = {"queue": "fargate", "execution_role": EXECUTION, "ephemeral_storage": 30}
TRAINIUM: Json = {"trainium": 1}

SETTINGS = {
    "METAFLOW_BATCH_JOB_QUEUE": "spot",
    "METAFLOW_BATCH_CONTAINER_IMAGE": "own:1",
    "METAFLOW_BATCH_CONTAINER_REGISTRY": "registry.example.com",
    "METAFLOW_BATCH_EMIT_TAGS": "1",
    "METAFLOW_BATCH_DEFAULT_TAGS": '{"cost": "a-1"}',
    "METAFLOW_ECS_S3_ACCESS_IAM_ROLE": TASKS,
    "METAFLOW_ECS_FARGATE_EXECUTION_ROLE": EXECUTION,
    "METAFLOW_OTEL_SERVICE_NAME": "flows",
}


@pytest.fixture
def runs_both(project: Project, batch: Batch) -> Any:
    """Run natively and, without some settings, in Dagster: the jobs are alike.

    Returns the job of Dagster's run.
    """
    batch.images[IMAGE] = next(iter(batch.images.values()))
    batch.queues |= {"spot": "SPOT", "fargate": "FARGATE"}
    project.env |= {"METAFLOW_BATCH_EMIT_TAGS": "1"}  # else jobs have no tags

    def runs_both(options: Json, without: Any = ()) -> Job:
        project.deploy(FLOW.replace("OPTIONS", repr(options)))
        project.run(sys.executable, "flow.py", "--no-pylint", "run")
        project.env = {name: v for name, v in project.env.items() if name not in without}
        project.execute("Options")
        native, made = batch.jobs.values()
        assert shape(made) == shape(native)
        return made

    return runs_both


def shape(job: Job) -> Json:
    """What is said of a job apart from which run and task it is of."""
    request: Json = json.loads(json.dumps(job.request))
    overrides = request["containerOverrides"]
    overrides["command"] = len(overrides["command"])
    overrides["environment"] = sorted(entry["name"] for entry in overrides["environment"])
    request["parameters"] = sorted(request["parameters"])
    del request["jobName"]
    for own in ("metaflow.run_id", "metaflow.user"):
        request.get("tags", {}).pop(own, None)
    return request


def volumes(job: Job) -> dict[str, Any]:
    """What is mounted in the container, by where."""
    known = {
        volume.pop("name"): volume for volume in json.loads(json.dumps(job.main.spec))["volumes"]
    }
    mounts = job.main.spec["mountPoints"]
    return {mount["containerPath"]: known[mount["sourceVolume"]] for mount in mounts}


def has_common(job: Job) -> None:
    spec = job.main.spec
    sizes = {entry["type"]: entry["value"] for entry in spec["resourceRequirements"]}
    assert sizes == {"VCPU": "2", "MEMORY": "300", "GPU": "1"}
    assert (spec["image"], spec["jobRoleArn"], spec["privileged"]) == (IMAGE, TASKS, True)
    assert job.request["timeout"] == {"attemptDurationSeconds": 5 * 24 * 60 * 60}
    assert spec["logConfiguration"] == {
        "logDriver": "awslogs",
        "options": {"awslogs-group": "own"},
    }
    assert volumes(job) == {
        "/mnt/data": {"host": {"sourcePath": "/mnt/data"}},
        "/mnt/b": {"host": {"sourcePath": "/mnt/a"}},
        "/mnt/files": {
            "efsVolumeConfiguration": {
                "fileSystemId": "fs-12345678",
                "transitEncryption": "ENABLED",
            }
        },
    }
    assert "python3 -u flow.py" in spec["command"][-1]
    assert job.request["tags"]["cost"] == "a-1"


def test_there_is_no_other_option() -> None:
    seen = {**COMMON, **ON_EC2, **ON_FARGATE, **TRAINIUM}
    assert seen.keys() == BatchDecorator.defaults.keys()


def test_every_option_on_ec2(runs_both: Any) -> None:
    job = runs_both(COMMON | ON_EC2)
    has_common(job)
    assert job.request["jobQueue"] == "queue"
    linux = job.main.spec["linuxParameters"]
    devices = [device["hostPath"] for device in linux.pop("devices")]
    assert devices == ["/dev/neuron0", "/dev/neuron1", "/dev/infiniband/uverbs0"]
    tmpfs = {"containerPath": "/tmp", "size": 48, "mountOptions": ["defaults"]}
    limits = {"sharedMemorySize": 64, "maxSwap": 128, "swappiness": 10}
    assert linux == {**limits, "tmpfs": [tmpfs]}
    variables = {entry["name"]: entry["value"] for entry in job.main.spec["environment"]}
    assert variables["METAFLOW_TEMPDIR"] == "/tmp"


def test_every_option_on_fargate(runs_both: Any) -> None:
    job = runs_both(COMMON | ON_FARGATE)
    has_common(job)
    assert job.request["jobQueue"] == "fargate"
    assert job.main.spec["executionRoleArn"] == EXECUTION
    assert job.main.spec["ephemeralStorage"] == {"sizeInGiB": 30}
    assert job.definition["platformCapabilities"] == ["FARGATE"]


def test_every_setting_is_that_of_the_deploy(project: Project, runs_both: Any) -> None:
    project.env |= SETTINGS
    job = runs_both(TRAINIUM, without=SETTINGS)
    assert job.request["jobQueue"] == "spot"
    spec = job.main.spec
    assert (spec["image"], spec["jobRoleArn"]) == (IMAGE, TASKS)
    sizes = {entry["type"]: entry["value"] for entry in spec["resourceRequirements"]}
    assert sizes == {"VCPU": "1", "MEMORY": "256"}
    assert [it["hostPath"] for it in spec["linuxParameters"]["devices"]] == ["/dev/neuron0"]
    assert spec["linuxParameters"]["sharedMemorySize"] == 32
    tags = job.request["tags"]
    assert (tags["app"], tags["cost"], tags["metaflow.step_name"]) == ("metaflow", "a-1", "start")
    variables = {entry["name"]: entry["value"] for entry in spec["environment"]}
    assert variables["METAFLOW_OTEL_SERVICE_NAME"] == "flows"
