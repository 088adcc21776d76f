"""A way to a server that can be slow, full of failures, or cut off for some seconds."""

from __future__ import annotations

import contextlib
import itertools
import socket
import struct
import threading
import time
from collections import Counter
from typing import Literal

Trouble = Literal["slow", "failing", "cut off"]

SLOW = 0.2  # seconds that each piece of data takes when the way is slow
_PIECE = 65536
_POLL = 0.05
_RESET = struct.pack("ii", 1, 0)  # of SO_LINGER: closing the socket resets the connection
_BODY = b"<Error><Code>SlowDown</Code><Message>Later</Message></Error>"
_REFUSAL = (
    b"HTTP/1.1 503 Slow Down\r\nContent-Type: text/xml\r\nConnection: close\r\n"
    b"Content-Length: %d\r\n\r\n%b" % (len(_BODY), _BODY)
)


class Proxy:
    """Forwards what comes to its port to a port of a server on this machine.

    While it fails, it refuses every other request as S3 does (503, "Slow Down"), and resets the
    other connections. While it is cut off, nothing goes through, and connections stay open and go
    on afterwards, as when packets are lost.
    """

    def __init__(self, port: int, address: str = "127.0.0.1") -> None:
        self._to = ("127.0.0.1", port)
        self._trouble: Trouble | None = None
        self._until = 0.0
        self._numbers = itertools.count()
        self.hits: Counter[Trouble] = Counter()
        """How many pieces of data met with trouble."""
        self._listener = socket.create_server((address, 0), backlog=128)
        self.port: int = self._listener.getsockname()[1]
        self.url = f"http://{address}:{self.port}"
        threading.Thread(target=self._accept, daemon=True).start()

    def be(self, trouble: Trouble, seconds: float) -> None:
        """Be like this for some seconds from now on."""
        self._until = time.monotonic() + seconds
        self._trouble = trouble

    def close(self) -> None:
        self._until = 0.0
        # Closing alone does not wake the thread that accepts.
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    @property
    def _now(self) -> Trouble | None:
        return self._trouble if time.monotonic() < self._until else None

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, contextlib.suppress(OSError), socket.create_connection(self._to) as server:
            back = threading.Thread(target=self._pass_on, args=(server, client), daemon=True)
            back.start()
            self._pass_on(client, server, requests=True)
            back.join()

    def _pass_on(
        self, source: socket.socket, target: socket.socket, requests: bool = False
    ) -> None:
        """Until one of them closes, or the way fails under them."""
        with contextlib.suppress(OSError):
            while data := source.recv(_PIECE):
                trouble = self._now
                if trouble == "failing" and not requests:
                    trouble = None
                if trouble:
                    self.hits[trouble] += 1
                if trouble == "failing":
                    self._fail(source)
                    break
                if trouble == "slow":
                    time.sleep(SLOW)
                while self._now == "cut off":
                    time.sleep(_POLL)
                target.sendall(data)
        # The other direction ends with this one: HTTP has no half of a connection.
        for end in (source, target):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def _fail(self, client: socket.socket) -> None:
        if next(self._numbers) % 2:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            client.close()
            return
        client.sendall(_REFUSAL)
        client.shutdown(socket.SHUT_WR)
        client.settimeout(1)
        while client.recv(_PIECE):  # closing before all is read would reset the connection
            pass
