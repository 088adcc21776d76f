"""Jobs of AWS Batch get names and commands that are right for the ids of a deployment."""

from __future__ import annotations

import re

import pytest

from metaflow_extensions.dagster._metaflow_internals.batch import mark_task_id, valid_job_name

RUN = "dagster-0123456789ab"


@pytest.mark.parametrize(
    ("name", "valid"),
    [
        (f"ada-Flow-{RUN}-train-train-2-0-0", f"ada-Flow-{RUN}-train-train-2-0-0"),
        (f"ada-Flow-{RUN}-again-again.i1-0", f"ada-Flow-{RUN}-again-again-i1-0"),
        (f"ada-Flow-{RUN}-train-train.r0a1b2c-0", f"ada-Flow-{RUN}-train-train-r0a1b2c-0"),
    ],
)
def test_a_name_has_only_letters_that_batch_takes(name: str, valid: str) -> None:
    assert valid_job_name(name) == valid


def test_a_long_name_is_cut_and_remains_its_own() -> None:
    long = f"ada-Flow-{RUN}-" + "a_long_name_of_a_step" * 6
    names = [valid_job_name(f"{long}-{item}-0") for item in range(20)]
    assert len(set(names)) == 20
    for name in names:
        assert re.fullmatch(r"ada-Flow-[A-Za-z0-9_-]{119}", name)


def test_a_task_id_is_marked_where_it_is_one() -> None:
    command = (
        f"export MF_PATHSPEC=gang/{RUN}/gang/gang MF_ATTEMPT=0 && python gang.py step gang "
        f"--run-id {RUN} --task-id gang --input-paths {RUN}/start/gang-0"
    )
    assert mark_task_id(command, "gang", "MARK") == (
        f"export MF_PATHSPEC=gang/{RUN}/gang/MARK MF_ATTEMPT=0 && python gang.py step gang "
        f"--run-id {RUN} --task-id MARK --input-paths {RUN}/start/gang-0"
    )
