"""What every request to a Dagster webserver says of who asks. Imports no Dagster."""

from __future__ import annotations

import json
import os


def request_headers() -> dict[str, str]:
    """Headers of a request, with METAFLOW_DAGSTER_TOKEN and METAFLOW_DAGSTER_HEADERS (JSON).

    Raises:
        ValueError: METAFLOW_DAGSTER_HEADERS is no JSON.
    """
    headers = {"Content-Type": "application/json"}
    if os.environ.get("METAFLOW_DAGSTER_TOKEN"):
        headers["Dagster-Cloud-Api-Token"] = os.environ["METAFLOW_DAGSTER_TOKEN"]
    return headers | json.loads(os.environ.get("METAFLOW_DAGSTER_HEADERS") or "{}")
