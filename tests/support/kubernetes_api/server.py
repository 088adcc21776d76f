"""The routes, over HTTP: what the official Python client asks for."""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
import re
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from ..stand_in import Handler
from . import rules
from .store import KINDS, ApiError, Object, merge, selected

if TYPE_CHECKING:
    from .cluster import Cluster

_PATH = re.compile(
    r"/(?:api/v1|apis/batch/v1|apis/jobset\.x-k8s\.io/v1alpha2)"
    r"(?:/namespaces/(?P<namespace>[^/]+))?/(?P<kind>[a-z]+)"
    r"(?:/(?P<name>[^/]+))?(?:/(?P<part>status|log|exec))?"
)
_VERSION = {"major": "1", "minor": "33", "gitVersion": "v1.33.0", "platform": "linux/amd64"}
_WEBSOCKET = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455


class ClusterHandler(Handler):
    """Answers for the API server."""

    @property
    def cluster(self) -> Cluster:
        from .cluster import Cluster

        assert isinstance(self.stand_in, Cluster)
        return self.stand_in

    def do_GET(self) -> None:
        self._answer()

    do_POST = do_PATCH = do_PUT = do_DELETE = do_GET

    def _answer(self) -> None:
        url = urlsplit(self.path)
        self._query = {name: values[-1] for name, values in parse_qs(url.query).items()}
        self._commands = parse_qs(url.query).get("command", [])
        text = self.body()
        cluster = self.cluster
        cluster.requests.append((self.command, url.path))
        try:
            body = json.loads(text) if text else {}
            if url.path == "/version":
                self._send(200, _VERSION)
            elif match := _PATH.fullmatch(url.path):
                if match["kind"] not in KINDS:
                    raise ApiError(404, "NotFound", "the server could not find the resource")
                self._route(body, **match.groupdict())
            else:
                raise ApiError(404, "NotFound", "the server could not find the resource")
        except ApiError as error:
            self._send(error.code, error.body())
        except BrokenPipeError:
            self.close_connection = True

    def _route(
        self, body: Any, namespace: str | None, kind: str, name: str | None, part: str | None
    ) -> None:
        store = self.cluster.store
        if namespace and not name and self.command == "POST":
            self._send(201, self._create(kind, namespace, body))
        elif not name and self.command == "GET":
            if self._query.get("watch") in ("true", "True", "1"):
                self._watch(kind, namespace)
            else:
                self._send(200, self._list(kind, namespace))
        elif not name or not namespace:
            raise ApiError(405, "MethodNotAllowed", "not supported on the requested resource")
        elif part == "log":
            self._log(store.get(kind, namespace, name))
        elif part == "exec":
            self._exec(store.get(kind, namespace, name))
        elif self.command == "GET":
            self._send(200, store.get(kind, namespace, name))
        elif self.command == "DELETE":
            self._send(200, self._delete(kind, namespace, name, body))
        elif self.command == "PATCH":
            self._send(200, self._patch(kind, namespace, name, body))
        else:
            raise ApiError(405, "MethodNotAllowed", "not supported on the requested resource")

    def _create(self, kind: str, namespace: str, body: Object) -> Object:
        cluster = self.cluster
        if namespace not in cluster.namespaces:
            raise ApiError(404, "NotFound", f'namespaces "{namespace}" not found')
        told = (body.get("metadata") or {}).get("namespace")
        if told and told != namespace:
            message = f"the namespace of the object ({told}) does not match that of the request"
            raise ApiError(400, "BadRequest", message)
        rules.check(kind, body)
        if kind == "jobs":
            rules.fill_job(body["spec"])
            body["status"] = {}
        elif kind == "jobsets":
            body.pop("status", None)
        elif kind == "pods":
            raise ApiError(403, "Forbidden", "pods come from jobs here")
        return cluster.store.create(kind, namespace, body)

    def _list(self, kind: str, namespace: str | None) -> Object:
        store = self.cluster.store
        with store.lock:
            version = store.version
            items = [found for found in store.list(kind, namespace) if self._is_selected(found)]
        start, limit = int(self._query.get("continue") or 0), int(self._query.get("limit") or 0)
        meta: Object = {"resourceVersion": str(version)}
        page = items[start : start + limit] if limit else items
        if limit and start + limit < len(items):
            meta |= {
                "continue": str(start + limit),
                "remainingItemCount": len(items) - start - limit,
            }
        api, name = KINDS[kind]
        return {"kind": f"{name}List", "apiVersion": api, "metadata": meta, "items": page}

    def _is_selected(self, body: Object) -> bool:
        labels, fields = self._query.get("labelSelector", ""), self._query.get("fieldSelector", "")
        return selected(body, labels, fields)

    def _patch(self, kind: str, namespace: str, name: str, patch: Any) -> Object:
        if not isinstance(patch, dict):
            raise ApiError(415, "UnsupportedMediaType", "JSON patches are not supported here")
        changed = self.cluster.store.update(kind, namespace, name, lambda it: merge(it, patch))
        if changed is None:
            raise ApiError(404, "NotFound", f'{kind} "{name}" not found')
        return changed

    def _delete(self, kind: str, namespace: str, name: str, body: Object) -> Object:
        cluster = self.cluster
        found = cluster.store.get(kind, namespace, name)
        policy = body.get("propagationPolicy") or self._query.get("propagationPolicy")
        grace = body.get("gracePeriodSeconds", self._query.get("gracePeriodSeconds"))
        if kind == "pods":
            cluster.controllers.delete_pod(found, None if grace is None else float(grace))
            return cluster.store.find(kind, namespace, name) or found
        # Jobs keep their pods unless told otherwise (pkg/registry/batch/job/strategy.go).
        default = "Orphan" if kind == "jobs" else "Background"
        cluster.controllers.delete(kind, found, policy or default)
        return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success"}

    # -- Streams -----------------------------------------------------------------------------

    def _watch(self, kind: str, namespace: str | None) -> None:
        store = self.cluster.store
        until = time.monotonic() + float(self._query.get("timeoutSeconds") or 1800)
        version = self._query.get("resourceVersion")
        since = int(version or 0)

        def lines() -> Iterator[bytes]:
            start = since
            if not version or version == "0":
                with store.lock:
                    start, there = store.version, store.list(kind, namespace)
                for body in filter(self._is_selected, there):
                    yield _line({"type": "ADDED", "object": body})
            for change in store.changes(start, until):
                is_there = namespace in (None, change.object["metadata"]["namespace"])
                if change.kind == kind and is_there and self._is_selected(change.object):
                    yield _line({"type": change.type, "object": change.object})

        self._stream("application/json", lines())

    def _log(self, pod: Object) -> None:
        cluster, uid = self.cluster, pod["metadata"]["uid"]
        name = pod["metadata"]["name"]
        if self._query.get("previous") == "true":
            message = f'previous terminated container in pod "{name}" not found'
            raise ApiError(400, "BadRequest", message)
        path = cluster.kubelet.log(uid)
        if path is None:
            states = pod["status"].get("containerStatuses") or [{"state": {}}]
            waiting = (states[0]["state"].get("waiting") or {}).get("reason", "PodInitializing")
            message = f'container in pod "{name}" is waiting to start: {waiting}'
            raise ApiError(400, "BadRequest", message)
        text = path.read_bytes()
        place = len(text)
        if tail := self._query.get("tailLines"):
            text = b"".join(text.splitlines(keepends=True)[-int(tail) :]) if int(tail) else b""
        if limit := self._query.get("limitBytes"):
            text = text[: int(limit)]
        if self._query.get("follow") not in ("true", "True"):
            self._send(200, text, "text/plain")
            return

        def more() -> Iterator[bytes]:
            nonlocal place
            yield text
            while True:
                container = cluster.kubelet.container(uid)
                is_over = container is None or container.exit_code is not None
                with path.open("rb") as file:
                    file.seek(place)
                    fresh = file.read()
                place += len(fresh)
                if fresh:
                    yield fresh
                elif is_over:
                    return
                else:
                    time.sleep(0.1)

        self._stream("text/plain", more())

    def _exec(self, pod: Object) -> None:
        """``/sbin/killall5``, which Metaflow ends pods by, over a web socket; nothing else."""
        cluster = self.cluster
        if not cluster.may_exec:
            raise ApiError(403, "Forbidden", "pods/exec is forbidden")
        container = cluster.kubelet.container(pod["metadata"]["uid"])
        if self._commands[-1:] != ["/sbin/killall5"] or container is None:
            raise ApiError(400, "BadRequest", f"cannot run {self._commands} here")
        key = self.headers["Sec-WebSocket-Key"] + _WEBSOCKET
        accept = base64.b64encode(hashlib.sha1(key.encode()).digest()).decode()
        self.send_response(101, "Switching Protocols")
        self.send_header("Upgrade", "websocket")
        self.send_header("Connection", "Upgrade")
        self.send_header("Sec-WebSocket-Accept", accept)
        self.send_header("Sec-WebSocket-Protocol", "v4.channel.k8s.io")
        self.end_headers()
        container.killall5()
        status = b'\x03{"metadata":{},"status":"Success"}'  # on the channel for errors
        self.wfile.write(bytes([0x82, len(status)]) + status + bytes([0x88, 2, 0x03, 0xE8]))
        self.close_connection = True

    def _stream(self, kind: str, parts: Iterator[bytes]) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for part in itertools.chain(filter(None, parts), [b""]):
            self.wfile.write(f"{len(part):x}\r\n".encode() + part + b"\r\n")
            self.wfile.flush()

    def _send(self, code: int, body: Any, kind: str = "application/json") -> None:
        text = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.answer(code, text, kind)


def _line(body: Object) -> bytes:
    return json.dumps(body).encode() + b"\n"
