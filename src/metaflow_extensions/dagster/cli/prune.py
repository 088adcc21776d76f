"""``dagster prune``: takes old runs of a job, with their events, out of Dagster's storage.

What Metaflow keeps of them is never touched.
"""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Any

from ..deploy.tokens import check_token
from ..errors import DagsterRunError
from ..targets.runs import RunInfo
from .manage import choose
from .output import print_json

if TYPE_CHECKING:
    from .._metaflow_internals.types import CliState

_SECONDS = {"m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}


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

    Which of them stay all the same: see ``Target.prune``.

    Raises:
        DagsterRunError: the time is not one, the deployment is live, or the token is missing.
    """
    before = time.time() - seconds(older_than)
    target, deployment = choose(state, name, url)
    check_token(deployment, authorize, "prune")
    runs = target.prune(deployment.name, before, failed, dry_run)
    if as_json:
        print_json(state, [_as_dict(run, deleted=not dry_run) for run in runs])
        return
    for run in runs:
        state.echo_always(f"{run.dagster_run_id}  {run.status}", err=False, no_bold=True)
    count = "1 run" if len(runs) == 1 else f"{len(runs)} runs"
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


def _as_dict(run: RunInfo, deleted: bool) -> dict[str, Any]:
    return {
        "dagster_run_id": run.dagster_run_id,
        "run_id": run.metaflow_run_id,
        "job": run.job,
        "status": run.status,
        "ended": run.ended,
        "deleted": deleted,
    }
