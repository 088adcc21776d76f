"""What every request to a Dagster webserver says of who asks. Imports no Dagster."""

from __future__ import annotations

import json
import os

from ..contract import variables


def request_headers() -> dict[str, str]:
    """Headers of a request, with METAFLOW_DAGSTER_TOKEN and METAFLOW_DAGSTER_HEADERS (JSON).

    Raises:
        ValueError: METAFLOW_DAGSTER_HEADERS is not JSON.
    """
    headers = {"Content-Type": "application/json"}
    if os.environ.get(variables.TOKEN):
        headers["Dagster-Cloud-Api-Token"] = os.environ[variables.TOKEN]
    return headers | json.loads(os.environ.get(variables.HEADERS) or "{}")
