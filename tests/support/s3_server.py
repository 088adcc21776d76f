"""S3 on this machine: ``python s3_server.py [--trouble] PORT``. With trouble it is a bad network's.

It is moto's server. With trouble each seventh request is refused, and from the hundredth on all are
for some seconds, with the status that S3 itself has for it.
"""

from __future__ import annotations

import itertools
import sys
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import run_simple

OUTAGE = 5.0  # seconds


class Troubled:
    """A WSGI application that is not always there."""

    def __init__(self, app: Any) -> None:
        self._app = app
        self._numbers = itertools.count()
        self._lock = threading.Lock()
        self._outage_ends = float("inf")

    def __call__(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        with self._lock:
            number = next(self._numbers)
            if number == 100:
                self._outage_ends = time.monotonic() + OUTAGE
        is_outage = number >= 100 and time.monotonic() < self._outage_ends
        if is_outage or number % 7 == 6:
            length = int(environ.get("CONTENT_LENGTH") or 0)
            environ["wsgi.input"].read(length)
            start("503 Slow Down", [("Content-Type", "text/xml")])
            return [b"<Error><Code>SlowDown</Code><Message>Later</Message></Error>"]
        return self._app(environ, start)


def main(port: int, trouble: bool) -> None:
    app: Any = DomainDispatcherApplication(create_backend_app)
    run_simple("127.0.0.1", port, Troubled(app) if trouble else app, threaded=True)


if __name__ == "__main__":
    main(int(sys.argv[-1]), "--trouble" in sys.argv)
