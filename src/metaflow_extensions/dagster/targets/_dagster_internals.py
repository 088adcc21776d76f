"""What running a job needs of Dagster beyond its public API. Imports Dagster.

``execute_job`` is public, but takes no run id (ours must be known before the run starts) and gives
no events while it runs. These are the functions that Dagster's own ``dagster api execute_run``
uses; they have kept their shape since 1.5.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from dagster import DagsterEvent, DagsterInstance, DagsterRun, JobDefinition
from dagster._core.code_pointer import FileCodePointer
from dagster._core.definitions.reconstruct import ReconstructableJob, ReconstructableRepository
from dagster._core.execution.api import execute_run_iterator


def load_job(definitions_file: str, job_name: str, working_dir: str) -> ReconstructableJob:
    """A job of a definitions file, in a form that other processes can load too."""
    pointer = FileCodePointer(definitions_file, "defs", working_dir)
    return ReconstructableJob(ReconstructableRepository(pointer), job_name)


def declared_job(job: ReconstructableJob) -> JobDefinition | None:
    """The job as its file has it, if that can be told at once.

    Dagster imports half of itself before it looks at what is in a file.
    """
    declared: Any = job.repository.pointer.load_target()
    found = [j for j in getattr(declared, "jobs", None) or () if isinstance(j, JobDefinition)]
    return next((j for j in found if j.name == job.job_name), None)


def create_run(
    instance: DagsterInstance,
    job: ReconstructableJob,
    run_id: str,
    run_config: dict[str, Any],
    tags: dict[str, str],
) -> DagsterRun:
    """Store a run that has not started; its configuration is checked."""
    return instance.create_run_for_job(
        job.get_definition(),
        run_id=run_id,
        run_config=run_config,
        tags=tags,
        job_code_origin=job.get_python_origin(),
    )


def execute(
    instance: DagsterInstance, job: ReconstructableJob, run: DagsterRun
) -> Iterator[DagsterEvent]:
    """Run it in this process, event by event."""
    return execute_run_iterator(job, run, instance)
