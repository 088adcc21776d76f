"""The calls of the API that Metaflow's client makes, with what they refuse.

What is refused is what the API's model in botocore says (botocore/data/batch); the messages are not
AWS's own. How large a request of SubmitJob may be (``server.py``) is among AWS's quotas for Batch.
"""

from __future__ import annotations

import copy
import re
from typing import TYPE_CHECKING

from .jobs import ARN, ENDED, Job, Json, Node

if TYPE_CHECKING:
    from .batch import Batch

_JOB_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,127}")  # jobName of SubmitJob
_LEAST_TIMEOUT = 60  # seconds; JobTimeout
_LEAST_MEMORY = 4  # MiB; ResourceRequirement
_MOST_ATTEMPTS = 10  # RetryStrategy
_STATUSES = ("SUBMITTED", "PENDING", "RUNNABLE", "STARTING", "RUNNING", *ENDED)


class Refusal(Exception):
    """An answer other than success."""

    def __init__(self, message: str, code: int = 400, kind: str = "ClientException") -> None:
        super().__init__(message)
        self.message, self.code, self.kind = message, code, kind


class Calls:
    """Each method is a call: its request is given, its response returned, both as JSON."""

    def __init__(self, batch: Batch) -> None:
        self._batch = batch

    def registerjobdefinition(self, request: Json) -> Json:
        name = request["jobDefinitionName"]
        if not _JOB_NAME.fullmatch(name):
            raise Refusal("Job definition name should match valid pattern")
        batch = self._batch
        revision = 1 + sum(known["jobDefinitionName"] == name for known in batch.definitions)
        arn = f"{ARN}:job-definition/{name}:{revision}"
        told = {"jobDefinitionName": name, "jobDefinitionArn": arn, "revision": revision}
        batch.definitions.append({**request, **told, "status": "ACTIVE"})
        return told

    def describejobdefinitions(self, request: Json) -> Json:
        found = [
            known
            for known in self._batch.definitions
            if request.get("jobDefinitionName") in (None, known["jobDefinitionName"])
            and request.get("status") in (None, known["status"])
        ]
        return {"jobDefinitions": found}

    def describejobqueues(self, request: Json) -> Json:
        wanted = request.get("jobQueues")
        queues = [
            {
                "jobQueueName": name,
                "jobQueueArn": f"{ARN}:job-queue/{name}",
                "state": "ENABLED",
                "status": "VALID",
                "priority": 1,
                "computeEnvironmentOrder": [{"order": 1, "computeEnvironment": _environment(name)}],
            }
            for name in self._batch.queues
            if wanted is None or name in wanted
        ]
        return {"jobQueues": queues}

    def describecomputeenvironments(self, request: Json) -> Json:
        wanted = request.get("computeEnvironments")
        environments = [
            {
                "computeEnvironmentName": name,
                "computeEnvironmentArn": _environment(name),
                "type": "MANAGED",
                "state": "ENABLED",
                "status": "VALID",
                "computeResources": {"type": kind, "maxvCpus": 256, "subnets": []},
            }
            for name, kind in self._batch.queues.items()
            if wanted is None or _environment(name) in wanted or name in wanted
        ]
        return {"computeEnvironments": environments}

    def submitjob(self, request: Json) -> Json:
        batch = self._batch
        if not _JOB_NAME.fullmatch(request["jobName"]):
            raise Refusal("Job name should match valid pattern")
        if request["jobQueue"] not in batch.queues:
            raise Refusal(f"JobQueue {request['jobQueue']} not found.")
        seconds = (request.get("timeout") or {}).get("attemptDurationSeconds")
        if seconds is not None and seconds < _LEAST_TIMEOUT:
            raise Refusal("Timeout attempt duration must be at least 60 seconds")
        attempts = (request.get("retryStrategy") or {}).get("attempts", 1)
        if not 1 <= attempts <= _MOST_ATTEMPTS:
            raise Refusal("Retry attempts must be between 1 and 10")
        arn = request["jobDefinition"]
        known = [it for it in batch.definitions if it["jobDefinitionArn"] == arn]
        if not known:
            raise Refusal(f"JobDefinition {arn} does not exist")
        job = Job(request, known[0], _nodes(known[0], request))
        batch.jobs[job.id] = job
        return {"jobArn": f"{ARN}:job/{job.id}", "jobId": job.id, "jobName": request["jobName"]}

    def describejobs(self, request: Json) -> Json:
        found = []
        for id_ in request["jobs"]:
            main, _, index = id_.partition("#")
            if job := self._batch.jobs.get(main):
                found.append(job.node_detail(int(index)) if index else job.detail())
        return {"jobs": found}

    def listjobs(self, request: Json) -> Json:
        if request.get("jobStatus", "RUNNING") not in _STATUSES:
            raise Refusal(f"{request['jobStatus']} is no status of a job")
        found = [
            job.summary()
            for job in self._batch.jobs.values()
            if job.request["jobQueue"] == request["jobQueue"]
            and job.status == request.get("jobStatus", "RUNNING")
        ]
        return {"jobSummaryList": found}

    def terminatejob(self, request: Json) -> Json:
        if job := self._batch.jobs.get(request["jobId"]):
            job.terminate(request["reason"], self._batch.stop_seconds)
        return {}


def _environment(queue: str) -> str:
    return f"{ARN}:compute-environment/{queue}"


def _nodes(definition: Json, request: Json) -> list[Node]:
    """The containers of a job, with what the submission overrides in its definition."""
    if definition["type"] != "multinode":
        if "nodeOverrides" in request:
            raise Refusal("nodeOverrides is for multi-node parallel jobs")
        return [Node(0, _merged(definition["containerProperties"], request["containerOverrides"]))]
    if "containerOverrides" in request:
        raise Refusal("containerOverrides is not for multi-node parallel jobs")
    properties = definition["nodeProperties"]
    nodes = []
    for index in range(properties["numNodes"]):
        ranges = properties["nodeRangeProperties"]
        spec = next(it["container"] for it in ranges if _has(it["targetNodes"], index))
        for override in request["nodeOverrides"]["nodePropertyOverrides"]:
            if _has(override["targetNodes"], index):
                spec = _merged(spec, override["containerOverrides"])
        nodes.append(Node(index, spec))
    return nodes


def _has(targets: str, index: int) -> bool:
    """Whether a range of nodes such as ``1:3`` has one."""
    first, _, last = targets.partition(":")
    return int(first or 0) <= index <= int(last or index)


def _merged(properties: Json, overrides: Json) -> Json:
    """Variables are merged by name and resources by type; the rest is replaced."""
    merged = {**copy.deepcopy(properties), **copy.deepcopy(overrides)}
    for field, key in (("environment", "name"), ("resourceRequirements", "type")):
        both = [*properties.get(field, ()), *overrides.get(field, ())]
        merged[field] = list({entry[key]: entry for entry in both}.values())
    if reserved := [it for it in merged["environment"] if it["name"].startswith("AWS_BATCH")]:
        raise Refusal(f"Environment variable {reserved[0]['name']} is reserved for AWS Batch")
    for needed in merged["resourceRequirements"]:
        if needed["type"] == "MEMORY" and int(needed["value"]) < _LEAST_MEMORY:
            raise Refusal("Memory must be at least 4 MiB")
    return merged
