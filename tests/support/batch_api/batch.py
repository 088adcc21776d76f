"""AWS Batch on this machine, and what a test can do to it."""

from __future__ import annotations

import shutil
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..containers import make_image
from ..stand_in import StandIn
from .calls import Calls, Refusal
from .jobs import Job, Json, Node
from .server import BatchHandler, link_local


class Batch(StandIn):
    """Its queues and jobs, and its API at ``url``. The attributes may be changed at any time."""

    def __init__(self, folder: Path) -> None:
        super().__init__(BatchHandler)
        self.folder = folder
        self.queues = {"queue": "EC2"}
        """The job queues, and of which type the one compute environment of each is."""
        self.max_containers = 256
        """How many containers there is room for; jobs wait for it as RUNNABLE."""
        self.start_seconds = 0.0
        """How long a job is STARTING."""
        self.stop_seconds = 30.0
        """Between SIGTERM and SIGKILL (ECS_CONTAINER_STOP_TIMEOUT)."""
        self.refusals = 0
        """How many of the next requests are too many."""
        self.definitions: list[Json] = []
        self.jobs: dict[str, Job] = {}
        self.assumed_roles: list[str] = []
        """The roles of which containers have asked for credentials."""
        self.requests: list[str] = []
        self.lock = threading.RLock()
        self.calls = Calls(self)
        image = make_image(folder / "image", link_local(self.port))
        self.images = {f"python:{sys.version_info[0]}.{sys.version_info[1]}": image}
        """The images that can be pulled, and the folder of programs that is first on their PATH."""
        self.start(self._tick)

    def _tick(self) -> None:
        with self.lock:
            for job in self.jobs.values():
                self._go_on(job)

    def _go_on(self, job: Job) -> None:
        if job.status == "SUBMITTED":
            job.status = "RUNNABLE"
        elif job.status == "RUNNABLE":
            used = [it for it in self.jobs.values() if it.status in ("STARTING", "RUNNING")]
            if sum(len(it.nodes) for it in used) + len(job.nodes) <= self.max_containers:
                job.status, job.due = "STARTING", time.monotonic() + self.start_seconds
        elif job.status == "STARTING" and time.monotonic() >= job.due:
            image = job.main.spec["image"]
            if image in self.images:
                job.start(self.folder / "jobs", self.images[image], self._env(job))
            else:
                job.main.reason = (
                    "CannotPullContainerError: Error response from daemon: "
                    f"pull access denied for {image}, repository does not exist"
                )
                job.finish("FAILED", "Task failed to start")
        elif job.status == "RUNNING":
            job.go_on(self.stop_seconds)

    def _env(self, job: Job) -> dict[str, str]:
        queue = job.request["jobQueue"]
        engine = "FARGATE" if self.queues[queue].startswith("FARGATE") else "EC2"
        return {"AWS_BATCH_CE_NAME": queue, "AWS_EXECUTION_ENV": f"AWS_ECS_{engine}"}

    def close(self) -> None:
        self.stop()
        for job in self.jobs.values():
            job.kill()
        assert not self.errors, "\n".join(self.errors)

    def by_task(self, task: str) -> tuple[Job, Node]:
        """The job and node of a task in ECS."""
        for job in self.jobs.values():
            for node in job.nodes:
                if node.task == task:
                    return job, node
        raise Refusal("not found", 404)

    # -- What a test does --------------------------------------------------------------------

    def lose_host(self, job: Job) -> None:
        """The instance is gone, with all that ran on it."""
        self._fail(job, "Host EC2 (instance i-0123456789abcdef0) terminated.", None)

    def run_out_of_memory(self, job: Job) -> None:
        reason = "OutOfMemoryError: Container killed due to memory usage"
        self._fail(job, "Essential container in task exited", reason)

    def _fail(self, job: Job, reason: str, of_container: str | None) -> None:
        with self.lock:
            job.kill()
            job.main.reason = of_container
            if of_container is None:
                job.main.exit_code = None  # nobody is left to tell it
            job.finish("FAILED", reason)

    # -- What a test sees --------------------------------------------------------------------

    def unfinished(self) -> list[Job]:
        with self.lock:
            return [job for job in self.jobs.values() if not job.has_ended]

    def running(self) -> list[Node]:
        """Containers whose processes are there."""
        with self.lock:
            nodes = [node for job in self.jobs.values() for node in job.nodes]
        return [it for it in nodes if it.container and it.container.exit_code is None]

    def said(self, job: Job) -> str:
        """What the main container has printed."""
        return job.main.container.said() if job.main.container else ""


@contextmanager
def serve(folder: Path) -> Iterator[Batch]:
    """AWS Batch on this machine; its one image is the one that Metaflow takes by default."""
    batch = Batch(folder)
    try:
        yield batch
    finally:
        batch.close()
        shutil.rmtree(folder / "jobs", ignore_errors=True)
