"""What stand-ins of services share: an HTTP server, and a thread that has things go on."""

from __future__ import annotations

import threading
import traceback
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class StandIn:
    """A service at ``url``, from the start to the end of a test."""

    def __init__(self, handler: type[Handler]) -> None:
        self.errors: list[str] = []
        """What went wrong in the stand-in itself."""
        self._server = _Server(handler, self)
        self.port = self._server.server_port
        self.url = f"http://127.0.0.1:{self.port}"
        self._is_over = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self, tick: Callable[[], None]) -> None:
        """Serve, and call ``tick`` again and again."""
        self._threads = [
            threading.Thread(target=self._server.serve_forever, args=(0.1,), daemon=True),
            threading.Thread(target=self._run, args=(tick,), daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    def _run(self, tick: Callable[[], None]) -> None:
        while not self._is_over.is_set():
            try:
                tick()
            except Exception:
                self.errors.append(traceback.format_exc())
            self._is_over.wait(0.05)

    def stop(self) -> None:
        """Serve no more. The errors are to be looked at when all has been cleaned up."""
        self._is_over.set()
        self._server.shutdown()
        for thread in self._threads:
            thread.join(timeout=10)
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def __init__(self, handler: type[Handler], stand_in: StandIn) -> None:
        self.stand_in = stand_in
        super().__init__(("127.0.0.1", 0), handler)


class Handler(BaseHTTPRequestHandler):
    """Answers a request to a stand-in."""

    protocol_version = "HTTP/1.1"

    @property
    def stand_in(self) -> StandIn:
        assert isinstance(self.server, _Server)
        return self.server.stand_in

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def body(self) -> bytes:
        """What the request brings."""
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def answer(self, code: int, body: bytes, kind: str, **headers: str) -> None:
        self.send_response(code)
        self.send_header("Content-Type", kind)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
