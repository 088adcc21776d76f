"""A server of cards, and of nothing else that is in the datastore."""

from __future__ import annotations

import ipaddress
import re
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

from .._metaflow_internals import card_html
from ..errors import DagsterRunError

# Flow, run, step, task, and the card's file: names of Metaflow's, none of which begins with a dot.
_PATH = re.compile(r"/((?:[\w@+-][\w.@+-]*/){4})([\w@+-][\w.@+-]*\.html)", re.ASCII)


def card_server(datastore: Any, host: str, port: int) -> ThreadingHTTPServer:
    """A server that is bound to its address.

    ``/<flow>/<run>/<step>/<task>/<file>`` is a card of that task, of any flow in the datastore.
    Everything else is not found, whatever lies in the datastore. If only this machine can reach
    the server, requests that name another host are refused: a foreign page in the browser could
    have let its own name resolve to this machine.

    Args:
        datastore: A ``FlowDataStore``.
        host: Name or number of the address to listen at.
        port: 0 takes a free one.

    Raises:
        DagsterRunError: the address cannot be used.
    """

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if _is_loopback(host) and not _is_loopback(_host_of(self.headers.get("Host", ""))):
                return self._answer(HTTPStatus.MISDIRECTED_REQUEST, "Ask for localhost.")
            found = _PATH.fullmatch(unquote(urlsplit(self.path).path))
            card = card_html(datastore, found[1].rstrip("/"), found[2]) if found else None
            if card is None:
                return self._answer(HTTPStatus.NOT_FOUND, "There is no such card.")
            return self._answer(HTTPStatus.OK, card, "text/html")

        def _answer(self, status: HTTPStatus, text: str, kind: str = "text/plain") -> None:
            body = text.encode()
            self.send_response(status)
            self.send_header("Content-Type", f"{kind}; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Cache-Control", "no-cache")  # a card may still be drawn anew
            self.send_header("X-Content-Type-Options", "nosniff")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None: ...

    try:
        return ThreadingHTTPServer((host, port), Handler)
    except (OSError, OverflowError) as error:
        raise DagsterRunError(
            f"Cannot serve cards at {host}:{port}: {error}. Choose others with --host and --port."
        ) from error


def _host_of(header: str) -> str:
    try:
        return urlsplit(f"//{header}").hostname or ""
    except ValueError:
        return ""


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
