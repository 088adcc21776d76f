"""Jobs: what has been submitted, the containers of it, and how both go on."""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..containers import Container

Json = dict[str, Any]

ARN = "arn:aws:batch:us-east-1:123456789012"
ENDED = ("SUCCEEDED", "FAILED")
TIMED_OUT = "Job attempt duration exceeded timeout"


def now() -> int:
    """In milliseconds, as the API has it."""
    return int(time.time() * 1000)


@dataclass
class Node:
    """One container of a job; several where the job is a multi-node parallel job."""

    index: int
    spec: Json
    """``containerProperties`` of the definition, with the overrides of the submission."""
    task: str = field(default_factory=lambda: uuid.uuid4().hex)
    """Its task in ECS."""
    container: Container | None = None
    exit_code: int | None = None
    reason: str | None = None
    started: int | None = None
    stopped: int | None = None

    @property
    def is_running(self) -> bool:
        return self.container is not None and self.stopped is None

    def end(self) -> None:
        """Note how the container has ended."""
        assert self.container is not None
        self.exit_code, self.stopped = self.container.exit_code, now()


@dataclass
class Job:
    """A job with its one attempt."""

    request: Json
    definition: Json
    nodes: list[Node]
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    status: str = "SUBMITTED"
    status_reason: str | None = None
    created: int = field(default_factory=now)
    started: int | None = None
    stopped: int | None = None
    due: float = 0.0
    """When its containers may start."""
    deadline: float = float("inf")
    kill_at: float = float("inf")
    """When it is killed, once it has been asked to end."""

    @property
    def has_ended(self) -> bool:
        return self.status in ENDED

    @property
    def is_multinode(self) -> bool:
        return self.definition["type"] == "multinode"

    @property
    def main(self) -> Node:
        return self.nodes[0]

    def start(self, folder: Path, image_bin: Path, env: Json) -> None:
        """Start its containers, the main node's first."""
        self.status, self.started = "RUNNING", now()
        if seconds := (self.request.get("timeout") or {}).get("attemptDurationSeconds"):
            self.deadline = time.monotonic() + seconds
        for node in self.nodes:
            given = {entry["name"]: entry["value"] for entry in node.spec.get("environment", ())}
            node.container = Container(
                folder / node.task,
                node.spec["command"],
                {**given, **env, **self._own_env(node)},
                image_bin,
                f"ip-10-0-0-{node.index + 10}",
            )
            node.started = now()

    def _own_env(self, node: Node) -> dict[str, str]:
        """What Batch and ECS's agent set (job_env_vars.html of the user guide)."""
        env = {
            "AWS_BATCH_JOB_ID": self.id,
            "AWS_BATCH_JOB_ATTEMPT": "1",
            "AWS_BATCH_JQ_NAME": self.request["jobQueue"],
            "ECS_CONTAINER_METADATA_URI_V4": f"http://169.254.170.2/v4/{node.task}",
        }
        if node.spec.get("jobRoleArn"):
            env["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"] = f"/v2/credentials/{node.task}"
        if self.is_multinode:
            env |= {
                "AWS_BATCH_JOB_ID": f"{self.id}#{node.index}",
                "AWS_BATCH_JOB_MAIN_NODE_INDEX": "0",
                "AWS_BATCH_JOB_NODE_INDEX": str(node.index),
                "AWS_BATCH_JOB_NUM_NODES": str(len(self.nodes)),
            }
            if node.index:
                env["AWS_BATCH_JOB_MAIN_NODE_PRIVATE_IPV4_ADDRESS"] = "127.0.0.1"
        return env

    def go_on(self, stop_seconds: float) -> None:
        """What is to be done now for a job that runs."""
        for node in self.nodes:
            if node.is_running and node.container and node.container.exit_code is not None:
                node.end()
        if self.main.stopped is not None:  # with the main node, the others are ended
            self.kill()
            has_failed = self.main.exit_code or self.status_reason  # the latter if terminated
            reason = self.status_reason or "Essential container in task exited"
            self.finish("FAILED" if has_failed else "SUCCEEDED", reason)
        elif time.monotonic() > self.kill_at:
            self.kill()
        elif time.monotonic() > self.deadline:
            self.deadline = float("inf")
            self.terminate(TIMED_OUT, stop_seconds)

    def terminate(self, reason: str, stop_seconds: float) -> None:
        """SIGTERM, after a while SIGKILL, to what runs; a job that does not run yet fails."""
        if self.has_ended:
            return
        if self.status != "RUNNING":
            self.finish("FAILED", reason)
        elif self.kill_at == float("inf"):
            self.status_reason = reason
            self.kill_at = time.monotonic() + stop_seconds
            for node in self.nodes:
                if node.is_running and node.container:
                    node.container.terminate()

    def kill(self) -> None:
        for node in self.nodes:
            if node.is_running and node.container:
                node.container.kill()
                node.end()

    def finish(self, status: str, reason: str) -> None:
        self.status, self.status_reason, self.stopped = status, reason, now()

    # -- What the API tells of it ----------------------------------------------------------------

    def summary(self) -> Json:
        body: Json = {
            "jobArn": f"{ARN}:job/{self.id}",
            "jobId": self.id,
            "jobName": self.request["jobName"],
            "createdAt": self.created,
            "status": self.status,
        }
        body |= {"startedAt": self.started} if self.started else {}
        body |= {"stoppedAt": self.stopped} if self.stopped else {}
        return body | ({"statusReason": self.status_reason} if self.status_reason else {})

    def detail(self) -> Json:
        body: Json = {
            **self.summary(),
            "jobQueue": f"{ARN}:job-queue/{self.request['jobQueue']}",
            "jobDefinition": self.definition["jobDefinitionArn"],
            "attempts": [self._attempt()] if self.stopped and self.started else [],
            "dependsOn": [],
            "parameters": self.request.get("parameters", {}),
            "tags": self.request.get("tags", {}),
            "timeout": self.request.get("timeout", {}),
            "platformCapabilities": self.definition.get("platformCapabilities", ["EC2"]),
        }
        if self.is_multinode:
            return body | {"nodeProperties": self.definition["nodeProperties"]}
        return body | {"container": self._container(self.main)}

    def node_detail(self, index: int) -> Json:
        """Of one node, which has an id of its own."""
        node = self.nodes[index]
        status = self.status
        if node.stopped is not None:
            status = "FAILED" if node.exit_code else "SUCCEEDED"
        body = self.detail() | {"jobId": f"{self.id}#{index}", "status": status}
        body["nodeProperties"] = {"nodeIndex": index, "isMainNode": index == 0}
        return body | {"container": self._container(node)}

    def _attempt(self) -> Json:
        return {
            "container": self._told(self.main),
            "startedAt": self.started,
            "stoppedAt": self.stopped,
            "statusReason": self.status_reason,
        }

    def _container(self, node: Node) -> Json:
        return {**node.spec, **self._told(node)}

    def _told(self, node: Node) -> Json:
        body: Json = {"logStreamName": self.log_stream(node)} if node.container else {}
        body |= {"exitCode": node.exit_code} if node.exit_code is not None else {}
        return body | ({"reason": node.reason} if node.reason else {})

    def log_stream(self, node: Node) -> str:
        return f"{self.definition['jobDefinitionName']}/default/{node.task}"
