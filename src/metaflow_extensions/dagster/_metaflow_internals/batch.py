"""Names of AWS Batch jobs that Batch takes."""

from __future__ import annotations

import hashlib
import re
from functools import cache
from typing import Any

MOST_LETTERS = 128  # jobName of SubmitJob in the API reference of AWS Batch


@cache  # it is asked for by each step of the flow
def give_valid_job_names() -> None:
    """Have this process submit its job to AWS Batch under a name that Batch takes.

    Metaflow joins user, flow, run, step, task and attempt (``Batch._job_name`` in
    plugins/aws/batch/batch.py), which is right for its own ids: numbers. With the ids of a
    deployment a name may have a dot, and more letters than Batch takes.

    Raises:
        MetaflowVersionError: Metaflow has no such method.
    """
    from metaflow.plugins.aws.batch.batch import Batch

    from . import part

    name_of = part(Batch, "_job_name")

    def job_name(*facts: Any) -> str:
        return valid_job_name(name_of(*facts))

    setattr(Batch, name_of.__name__, job_name)


def valid_job_name(name: str) -> str:
    """A name of letters, digits, hyphens and underscores that is short enough, and still its own.

    What ``batch list`` and ``batch kill`` look for, user and flow, stays in front.
    """
    valid = re.sub(r"[^A-Za-z0-9_-]", "-", name)
    if len(valid) <= MOST_LETTERS:
        return valid
    digest = hashlib.sha1(name.encode()).hexdigest()[:8]
    return f"{valid[: MOST_LETTERS - 9]}-{digest}"
