"""Production tokens, as Metaflow's own schedulers keep them. Imports no Dagster.

A token names the namespace of a production deployment, ``production:<token>``, and has to be shown
by others than its owner to deploy or operate it (``resolve_token`` and ``validate_token`` in
metaflow/plugins/argo/argo_workflows_cli.py). Here a job has one if it is of a production branch
(``@project`` with --production), or if one was asked for.
"""

from __future__ import annotations

import base64
import hashlib
from typing import Any

from .._metaflow_internals.untyped import load_token, new_token, store_token, user_name
from ..errors import DagsterRunError
from .registry import Deployment


def resolve_token(
    job: str,
    previous: Deployment | None,
    *,
    project: str | None,
    branch: str | None,
    is_production: bool,
    authorize: str | None,
    given: str | None,
    generate: bool,
    echo: Any,
) -> str | None:
    """The token of a deployment that is about to be made; None if it needs none.

    Raises:
        DagsterRunError: the deployment belongs to somebody else, or the options do not fit.
    """
    prefix = _prefix(job, project, branch)
    old = previous.production_token if previous else None
    if previous is not None:
        check_token(previous, authorize, "create")
    if given:
        if project:
            raise DagsterRunError(
                "--new-token is not for projects. Use --generate-new-token to get a new one."
            )
        token = given.removeprefix("production:")
    elif generate or (old is None and is_production):
        token = new_token(prefix, old)
        if token is None:
            raise DagsterRunError(
                "--generate-new-token cannot follow a token that was given with --new-token. "
                "Use --new-token again."
            )
    else:
        token = old
    if token is None:
        return None
    store_token(prefix, token)
    echo(f"The namespace of this production flow is *production:{token}*.")
    echo(f"Others deploy new versions of it with: dagster create --authorize {token}")
    return token


def check_token(deployment: Deployment, authorize: str | None, command: str) -> None:
    """Refuse whoever neither deployed the job nor knows its token.

    Raises:
        DagsterRunError: the token is missing or wrong.
    """
    token = deployment.production_token
    if token is None or deployment.user == user_name():
        return
    prefix = _prefix(deployment.name, deployment.project, deployment.branch)
    shown = (authorize or load_token(prefix) or "").removeprefix("production:")
    if shown != token:
        raise DagsterRunError(
            f"Job *{deployment.name}* was deployed by the user *{deployment.user}*. Ask them for "
            f"its production token, then: dagster {command} --authorize TOKEN"
        )


def _prefix(job: str, project: str | None, branch: str | None) -> str:
    """Under what name Metaflow caches the token; flows of one branch share theirs."""
    if not project:
        return job.lower()
    digest = hashlib.sha1(f"{project}.{branch}".encode()).digest()
    return "mfprj-" + base64.b32encode(digest).decode()[:16].lower()
