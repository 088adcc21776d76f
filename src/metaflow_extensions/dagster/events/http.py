"""Publishing through a Dagster webserver."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from typing import Any

from ..targets.headers import request_headers
from .errors import DagsterEventException

_ATTEMPTS = 4
_SECONDS = 60.0


def post_event(url: str, name: str, fields: dict[str, Any]) -> None:
    """Report the event to the webserver's endpoint for assets that others materialize.

    METAFLOW_DAGSTER_TOKEN (Dagster+) and METAFLOW_DAGSTER_HEADERS (a JSON object) become headers.
    A webserver that does not answer the connection is tried again, for 7 seconds.

    Raises:
        DagsterEventException: The webserver cannot be reached or refuses the event.
        DagsterRunError: METAFLOW_DAGSTER_HEADERS is not what it has to be.
    """
    headers = request_headers()
    address = f"{url.rstrip('/')}/report_asset_materialization/metaflow/events/{name}"
    body = json.dumps({"metadata": fields}).encode()
    for attempt in range(_ATTEMPTS):
        try:
            request = urllib.request.Request(address, body, headers)
            with urllib.request.urlopen(request, timeout=_SECONDS):
                return
        except urllib.error.HTTPError as error:
            raise DagsterEventException(
                f"Event {name} was not published: {url} answers with HTTP status {error.code}. "
                "Check the URL, and METAFLOW_DAGSTER_TOKEN if it asks for one."
            ) from error
        except (OSError, ValueError) as error:
            # Only a connection that was never made is safe to try again.
            refused = isinstance(getattr(error, "reason", None), ConnectionRefusedError)
            if not refused or attempt + 1 == _ATTEMPTS:
                raise DagsterEventException(
                    f"Event {name} was not published: {url} cannot be reached "
                    f"({getattr(error, 'reason', error)}). Check the URL."
                ) from error
            time.sleep(2.0**attempt)
