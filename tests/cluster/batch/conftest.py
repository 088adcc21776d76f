"""AWS Batch with Metaflow's datastore and metadata beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from differential.cases import Case
from support.batch_api import Batch, serve
from support.remote import Remote

ROLE = "arn:aws:iam::123456789012:role/tasks"


@pytest.fixture
def batch(tmp_path: Path) -> Iterator[Batch]:
    (tmp_path / "batch").mkdir()
    with serve(tmp_path / "batch") as batch:
        batch.max_containers = 6  # what two cores can do at a time
        yield batch


@pytest.fixture
def env(batch: Batch, remote: Remote) -> dict[str, str]:
    """What a shell has for Metaflow to use Batch."""
    return {
        **remote.env,
        "AWS_ENDPOINT_URL_BATCH": batch.url,
        "METAFLOW_BATCH_JOB_QUEUE": "queue",
        "METAFLOW_ECS_S3_ACCESS_IAM_ROLE": ROLE,
    }


@pytest.fixture
def left(batch: Batch) -> Callable[[], list[Any]]:
    return lambda: [*batch.running(), *batch.unfinished()]


@pytest.fixture
def on_batch(tmp_path: Path) -> Callable[[str], Case]:
    """A case of a flow with ``@kubernetes``, with ``@batch`` in its place."""

    def on_batch(flow: str) -> Case:
        text = Case(flow).source.read_text().replace("kubernetes", "batch")
        path = tmp_path / f"{flow}_on_batch.py"
        path.write_text(text.replace("in a pod", "in a job"))
        return Case(str(path))

    return on_batch
