"""What every request to a Dagster webserver says of who asks. Imports no Dagster."""

from __future__ import annotations

import json
import os
from typing import Any, TypeGuard, cast

from ..contract import variables
from ..errors import DagsterRunError


def request_headers() -> dict[str, str]:
    """Headers of a request, with METAFLOW_DAGSTER_TOKEN and METAFLOW_DAGSTER_HEADERS (JSON).

    Raises:
        DagsterRunError: METAFLOW_DAGSTER_HEADERS is not a JSON object of texts.
    """
    headers = {"Content-Type": "application/json"}
    if os.environ.get(variables.TOKEN):
        headers["Dagster-Cloud-Api-Token"] = os.environ[variables.TOKEN]
    try:
        further = json.loads(os.environ.get(variables.HEADERS) or "{}")
    except ValueError:
        further = None
    if not _are_headers(further):
        # Without the value, which may be a password.
        raise DagsterRunError(
            f"{variables.HEADERS} is not a JSON object of texts. Write it like "
            '{"X-Team": "data"}, or unset it.'
        )
    return headers | further


def _are_headers(value: Any) -> TypeGuard[dict[str, str]]:
    if not isinstance(value, dict):
        return False
    texts = cast("dict[str, object]", value).values()
    return all(isinstance(text, str) for text in texts)
