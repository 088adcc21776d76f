"""Jobs of AWS Batch for tasks whose ids are texts: Metaflow's client expects numbers."""

from __future__ import annotations

import hashlib
import json
import re
from functools import cache
from typing import Any

MOST_LETTERS = 128  # jobName of SubmitJob in the API reference of AWS Batch


@cache  # it is asked for by each step of the flow
def fit_batch_jobs() -> None:
    """Have this process submit jobs to AWS Batch that are right for the task ids of a deployment.

    A job's name is joined from user, flow, run, step, task and attempt (``Batch._job_name`` in
    plugins/aws/batch/batch.py). With our ids it may have a dot, and more letters than Batch takes.

    A multi-node job's other nodes get the main node's command, with the task id replaced wherever
    its letters are (``BatchJob.execute`` in plugins/aws/batch/batch_client.py). Natively it is
    ``control-<run>-<step>-<task>``, which nothing else contains; ours begins as the step's name.

    Raises:
        MetaflowVersionError: Metaflow has no such method.
    """
    from metaflow.plugins.aws.batch.batch import Batch
    from metaflow.plugins.aws.batch.batch_client import BatchJob

    from . import part

    name_of, execute = part(Batch, "_job_name"), part(BatchJob, "execute")

    def job_name(*facts: Any) -> str:
        return valid_job_name(name_of(*facts))

    def execute_with_marked_task(job: Any) -> Any:
        if job.num_parallel >= 1:
            task_id = part(job, "_task_id")
            mark = "task" + hashlib.sha1(task_id.encode()).hexdigest()
            command = job.payload["containerOverrides"]["command"]
            command[-1] = mark_task_id(command[-1], task_id, mark)
            job.task_id(mark)
            client = _Unmarking(part(job, "_client"), mark, task_id)
            job.__dict__["_client"] = client
        return execute(job)

    setattr(Batch, name_of.__name__, job_name)
    setattr(BatchJob, execute.__name__, execute_with_marked_task)


def valid_job_name(name: str) -> str:
    """A name of letters, digits, hyphens and underscores that is short enough, and still its own.

    What ``batch list`` and ``batch kill`` look for, user and flow, stays in front.
    """
    valid = re.sub(r"[^A-Za-z0-9_-]", "-", name)
    if len(valid) <= MOST_LETTERS:
        return valid
    digest = hashlib.sha1(name.encode()).hexdigest()[:8]
    return f"{valid[: MOST_LETTERS - 9]}-{digest}"


def mark_task_id(command: str, task_id: str, mark: str) -> str:
    """A task's command with another text where it has the task's id: in an option and a path."""
    where = rf"(--task-id |MF_PATHSPEC=\S*/){re.escape(task_id)}(?![\w.-])"
    return re.sub(where, rf"\g<1>{mark}", command)


class _Unmarking:
    """A client of AWS Batch that submits jobs with the task's id where its mark is."""

    def __init__(self, client: Any, mark: str, task_id: str) -> None:
        self._client, self._mark, self._task_id = client, mark, task_id

    def submit_job(self, **request: Any) -> Any:
        text = json.dumps(request).replace(self._mark, self._task_id)
        return self._client.submit_job(**json.loads(text))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)
