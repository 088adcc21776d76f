"""``dagster prune``: takes old runs of a job, with their events, out of Dagster's storage.

It uses Dagster's public API only (``DagsterInstance.get_run_records`` and ``delete_run``), and
never touches what Metaflow keeps.
"""

from __future__ import annotations

import re
import time
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from ..deploy.tokens import check_token
from ..errors import DagsterRunError
from .manage import choose
from .output import print_json

if TYPE_CHECKING:
    from dagster import DagsterInstance, RunRecord

    from .._metaflow_internals.types import CliState

_SECONDS = {"m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
_PAGE = 500  # runs that are read at a time


def prune(
    state: CliState,
    older_than: str,
    failed: bool,
    dry_run: bool,
    name: str | None,
    url: str | None,
    authorize: str | None,
    as_json: bool,
) -> None:
    """Delete runs of the job that ended longer ago than `older_than`, such as ``30d``.

    Runs that did not succeed stay unless `failed` asks for them: Dagster's re-execution goes on
    from their records. So do all that an unfinished run re-executes.

    Raises:
        DagsterRunError: the time is not one, the deployment is live, or the token is missing.
    """
    before = time.time() - seconds(older_than)
    target, deployment = choose(state, name, url)
    check_token(deployment, authorize, "prune")
    address = target.address()
    if "home" not in address:
        raise DagsterRunError(
            f"Only whoever can open Dagster's storage prunes it, and {target.description} is known "
            "by its webserver. Run this where DAGSTER_HOME names its instance, without --url and "
            "METAFLOW_DAGSTER_URL."
        )
    from ..targets.open_instance import open_instance

    instance = open_instance(address["home"], embedded=address["embedded"])
    runs = _old_runs(instance, deployment.name, before, failed)
    deleted: list[dict[str, Any]] = []
    for record in runs:
        if not dry_run:
            instance.delete_run(record.dagster_run.run_id)
        deleted.append(_as_dict(record, deleted=not dry_run))
    if as_json:
        print_json(state, deleted)
        return
    for run in deleted:
        line = f"{run['dagster_run_id']}  {run['status']}"
        state.echo_always(line, err=False, no_bold=True)
    count = "1 run" if len(deleted) == 1 else f"{len(deleted)} runs"
    done = "would be deleted from" if dry_run else "deleted from"
    state.echo(f"{count} of job *{deployment.name}* {done} {target.description}.", bold=True)


def seconds(text: str) -> int:
    """How long ``90m``, ``12h``, ``30d`` or ``8w`` is.

    Raises:
        DagsterRunError: it is none of these.
    """
    found = re.fullmatch(r"([1-9]\d{0,5})([mhdw])", text)
    if found is None:
        raise DagsterRunError(
            f"--older-than *{text}* is not a time. Give a number and a unit: 90m, 12h, 30d or 8w."
        )
    return int(found[1]) * _SECONDS[found[2]]


def _old_runs(instance: DagsterInstance, job: str, before: float, failed: bool) -> list[RunRecord]:
    """The runs to delete, oldest first."""
    from dagster import DagsterRunStatus as Status
    from dagster import RunsFilter

    ended = [Status.SUCCESS, *([Status.FAILURE, Status.CANCELED] if failed else [])]
    over = {Status.SUCCESS, Status.FAILURE, Status.CANCELED}
    created_before = datetime.fromtimestamp(before, timezone.utc)
    filters = RunsFilter(job_name=job, statuses=ended, created_before=created_before)
    found = [
        record
        for record in _all(instance, filters)
        if record.end_time is not None and record.end_time < before
    ]
    # Looked at last: a re-execution that has begun meanwhile is among them.
    unfinished = RunsFilter(job_name=job, statuses=[s for s in Status if s not in over])
    needed: set[str | None] = set()
    for record in _all(instance, unfinished):
        needed |= {record.dagster_run.parent_run_id, record.dagster_run.root_run_id}
    return [record for record in found[::-1] if record.dagster_run.run_id not in needed]


def _all(instance: DagsterInstance, filters: Any) -> list[RunRecord]:
    """All runs that a filter finds, newest first, read page by page."""
    found: list[RunRecord] = []
    cursor: str | None = None
    while page := instance.get_run_records(filters, limit=_PAGE, cursor=cursor):
        found += page
        cursor = page[-1].dagster_run.run_id
    return found


def _as_dict(record: RunRecord, deleted: bool) -> dict[str, Any]:
    run = record.dagster_run
    from ..contract import tags
    from ..targets.runs import metaflow_status

    return {
        "dagster_run_id": run.run_id,
        "run_id": run.tags.get(tags.RUN_ID),
        "job": run.job_name,
        "status": metaflow_status(run.status.value),
        "ended": record.end_time,
        "deleted": deleted,
    }
