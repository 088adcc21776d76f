"""A stand-in of Metaflow's metadata service: ``python metadata_service.py [WAIT] PORT``.

It answers as the public reference service does (Netflix/metaflow-service, service 2.5), and keeps
everything in memory. ``WAIT`` is the number of seconds that it asks for between heartbeats.

Where a fact is from stands behind it:

- [provider] is metaflow/plugins/metadata_providers/service.py, the client that every task uses;
- [heartbeat] is metaflow/metadata_provider/heartbeat.py, [metadata] metadata.py beside it;
- [core] is metaflow/client/core.py;
- [reference] is the reference service's own description of its API, where the client does not
  show it: known, but not to be checked on a machine without network.
"""

from __future__ import annotations

import itertools
import json
import re
import sys
import threading
import time
from collections.abc import Callable, Iterable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

VERSION = "2.5.0"  # the first with filtered_tasks [provider]

Record = dict[str, Any]
Path = tuple[str, ...]


class Refusal(Exception):
    """An answer that is no success."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code


class Store:
    """All records, by their path of names: flow, run, step, task."""

    def __init__(self, wait: float) -> None:
        self.wait = wait
        self.lock = threading.RLock()
        self.objects: dict[Path, Record] = {}
        self.children: dict[Path, dict[str, None]] = {(): {}}
        self.artifacts: dict[Path, list[Record]] = {}
        self.metadata: dict[Path, list[Record]] = {}
        # One sequence for runs and one for tasks, across all flows: they are columns of the
        # database's type serial [reference]. Ids that a scheduler gives do not use one up.
        # As after long use: a 1 would be found in every other text that a test makes neutral.
        self.run_numbers, self.task_ids = itertools.count(3_000_001), itertools.count(80_000_001)
        self.metadata_ids = itertools.count(1)

    def find(self, path: Path) -> Record:
        if path not in self.objects:
            raise Refusal(404, "not found")  # the client then creates it [provider]
        return self.objects[path]

    def add(self, path: Path, body: Record, **ids: Any) -> Record:
        if path in self.objects:
            raise Refusal(409, "exists")  # the client then reads it [provider]
        if path[:-1] not in self.children:
            raise Refusal(404, "its parent is not found")  # a foreign key [reference]
        record = {
            **ids,
            "user_name": body.get("user_name"),
            "ts_epoch": round(time.time() * 1000),  # milliseconds [core]
            "tags": body.get("tags") or [],
            "system_tags": body.get("system_tags") or [],
        }
        self.objects[path] = record
        self.children[path] = {}
        self.children[path[:-1]][path[-1]] = None
        return record

    def below(self, path: Path) -> Iterable[Path]:
        return (path + (name,) for name in self.children.get(path, ()))

    def shown(self, path: Path, record: Record) -> Record:
        """A record as it is answered.

        Steps, tasks and what belongs to them have the tags of their run: only those change
        [provider: _mutate_user_tags_for_run; reference: since 2.3].
        """
        run = self.objects.get(path[:2]) if len(path) > 2 else None
        tags = {} if run is None else {"tags": run["tags"], "system_tags": run["system_tags"]}
        return {**record, **tags}


def given_id(body: Record, key: str) -> str | None:
    """An id that the client brings along.

    A number is the service's own: the client never registers one [provider: register_run_id,
    register_task_id], and the service refuses it [reference].
    """
    value = body.get(key)
    if value is not None and str(value).isnumeric():
        raise Refusal(400, f"provided {key} may not be numeric")
    return value


class Service:
    """The routes. Each takes the parts of its path, and what was sent."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def create_flow(self, body: Record, flow: str) -> Record:
        return self.store.add((flow,), body, flow_id=flow)

    def create_run(self, body: Record, flow: str) -> Record:
        # Without a run_number the service chooses one, else it is the caller's [provider].
        run = given_id(body, "run_number") or next(self.store.run_numbers)
        # A run begins with a heartbeat if its client sends them [reference].
        beat = int(time.time())
        return self.store.add(
            (flow, str(run)), body, flow_id=flow, run_number=run, last_heartbeat_ts=beat
        )

    def create_step(self, body: Record, flow: str, run: str, step: str) -> Record:
        number = self.store.find((flow, run))["run_number"]
        ids = {"flow_id": flow, "run_number": number, "step_name": step}
        return self.store.add((flow, run, step), body, **ids)

    def create_task(self, body: Record, flow: str, run: str, step: str) -> Record:
        task = given_id(body, "task_id") or next(self.store.task_ids)
        number = self.store.find((flow, run, step))["run_number"]
        ids = {"flow_id": flow, "run_number": number, "step_name": step, "task_id": task}
        path = (flow, run, step, str(task))
        record = self.store.add(path, body, **ids, last_heartbeat_ts=int(time.time()))
        return self.store.shown(path, record)

    def get(self, _: Record, *path: str) -> Record:
        return self.store.shown(path, self.store.find(path))

    def get_children(self, _: Record, *path: str) -> list[Record]:
        # Of something that is not there: none [reference]. Newest first [core: Flow.latest_run].
        found = [self.store.shown(p, self.store.objects[p]) for p in self.store.below(path)]
        return found[::-1] if len(path) == 1 else found

    def beat(self, _: Record, *path: str) -> str:
        self.store.find(path)["last_heartbeat_ts"] = int(time.time())
        # JSON in a string of JSON [heartbeat].
        return json.dumps({"wait_time_in_seconds": self.store.wait})

    def mutate_tags(self, body: Record, flow: str, run: str) -> Record:
        """Change a run's tags [provider: 409, 400 and 422; reference: what is which]."""
        added, removed = body.get("tags_to_add", []), body.get("tags_to_remove", [])
        if not (isinstance(added, list) and isinstance(removed, list)):
            raise Refusal(400, "tags_to_add and tags_to_remove must be lists")
        record = self.store.find((flow, run))
        read = list(record["tags"])
        if set(removed) & set(record["system_tags"]):
            raise Refusal(422, "Cannot remove tags that are existing system tags")
        # A tag that is both added and removed stays; one of the system's is not added again.
        wanted = [tag for tag in read if tag not in removed or tag in added]
        wanted += [t for t in added if t not in wanted and t not in record["system_tags"]]
        # Optimistic: the client tries again if another one has changed them meanwhile.
        self.store.lock.release()
        time.sleep(0.02)
        self.store.lock.acquire()
        if record["tags"] != read:
            raise Refusal(409, "Serialization failure: tags have changed")
        record["tags"] = wanted
        return {"tags": wanted}

    def add_metadata(self, body: list[Record], *path: str) -> Record:
        self.store.find(path)
        kept = self.store.metadata.setdefault(path, [])
        kept += [{**one, "id": next(self.store.metadata_ids)} for one in body]
        return {"metadata_created": len(body)}

    def get_metadata(self, _: Record, *path: str) -> list[Record]:
        # Its tags stay its own: attempt_id is among them [core: Task.metadata].
        return [
            m for p, found in self.store.metadata.items() if p[: len(path)] == path for m in found
        ]

    def add_artifacts(self, body: list[Record], *path: str) -> Record:
        task = self.store.find(path)
        ids = {name: task[name] for name in ("flow_id", "run_number", "step_name", "task_id")}
        kept = self.store.artifacts.setdefault(path, [])
        for artifact in body:
            key = (artifact["attempt_id"], artifact["name"])
            if any((old["attempt_id"], old["name"]) == key for old in kept):
                raise Refusal(409, "exists")  # the client takes that for done [provider]
            kept.append({"ts_epoch": round(time.time() * 1000), **artifact, **ids})
        return {"artifacts_created": len(body)}

    def get_artifacts(self, _: Record, *path: str, attempt: str | None = None) -> list[Record]:
        """Those of each task's latest attempt, unless one is asked for [core: Task.artifacts]."""
        made: list[Record] = []
        for task, found in self.store.artifacts.items():
            if task[: len(path)] == path:
                wanted = max(a["attempt_id"] for a in found) if attempt is None else int(attempt)
                made += [self.store.shown(task, a) for a in found if a["attempt_id"] == wanted]
        return made

    def get_artifact(self, _: Record, *path: str, attempt: str | None = None) -> Record:
        for artifact in self.get_artifacts({}, *path[:4], attempt=attempt):
            if artifact["name"] == path[4]:
                return artifact
        raise Refusal(404, "artifact not found")

    def attempt_artifacts(self, _: Record, *path: str) -> list[Record]:
        return self.get_artifacts({}, *path[:4], attempt=path[4])

    def attempt_artifact(self, _: Record, *path: str) -> Record:
        return self.get_artifact({}, *path[:5], attempt=path[5])

    def filtered_tasks(self, query: Record, *path: str) -> list[str]:
        """Paths of tasks by metadata; the pattern may match anywhere in a value [provider]."""
        name, pattern = query.get("metadata_field_name"), query.get("pattern")
        if name is None and pattern is None:
            return ["/".join(task) for task in self.store.below(path)]
        return [
            "/".join(task)
            for task in self.store.below(path)
            if any(
                (name is None or one["field_name"] == name)
                and (pattern is None or re.search(pattern, str(one["value"])))
                for one in self.store.metadata.get(task, ())
            )
        ]


FLOW = r"/flows/([^/]+)"
RUN = rf"{FLOW}/runs/([^/]+)"
STEP = rf"{RUN}/steps/([^/]+)"
TASK = rf"{STEP}/tasks/([^/]+)"
ROUTES: list[tuple[str, str, Callable[..., Any]]] = [
    ("GET", "/flows", Service.get_children),
    ("GET", FLOW, Service.get),
    ("POST", FLOW, Service.create_flow),
    ("GET", f"{FLOW}/runs", Service.get_children),
    ("POST", f"{FLOW}/run", Service.create_run),
    ("GET", RUN, Service.get),
    ("POST", f"{RUN}/heartbeat", Service.beat),
    ("PATCH", f"{RUN}/tag/mutate", Service.mutate_tags),
    ("GET", f"{RUN}/metadata", Service.get_metadata),
    ("GET", f"{RUN}/artifacts", Service.get_artifacts),
    ("GET", f"{RUN}/steps", Service.get_children),
    ("GET", STEP, Service.get),
    ("POST", f"{STEP}/step", Service.create_step),
    ("GET", f"{STEP}/artifacts", Service.get_artifacts),
    ("GET", f"{STEP}/filtered_tasks", Service.filtered_tasks),
    ("GET", f"{STEP}/tasks", Service.get_children),
    ("POST", f"{STEP}/task", Service.create_task),
    ("GET", TASK, Service.get),
    ("POST", f"{TASK}/heartbeat", Service.beat),
    ("GET", f"{TASK}/metadata", Service.get_metadata),
    ("POST", f"{TASK}/metadata", Service.add_metadata),
    ("GET", f"{TASK}/artifacts", Service.get_artifacts),
    ("POST", f"{TASK}/artifact", Service.add_artifacts),
    ("GET", rf"{TASK}/attempt/(\d+)/artifacts", Service.attempt_artifacts),
    ("GET", rf"{TASK}/artifacts/([^/]+)", Service.get_artifact),
    ("GET", rf"{TASK}/artifacts/([^/]+)/attempt/(\d+)", Service.attempt_artifact),
]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # headers and body in one packet
    service: Service

    def handle_request(self) -> None:
        url = urlsplit(self.path)
        data = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if url.path == "/ping":
            self.answer(200, b"pong", "text/plain")
            return
        try:
            query = {name: values[0] for name, values in parse_qs(url.query).items()}
            body = json.loads(data) if data else query
            code, answer = 200, self.call(url.path, body)
        except Refusal as refusal:
            code, answer = refusal.code, {"message": str(refusal)}
        except ValueError as error:
            code, answer = 400, {"message": str(error)}
        self.answer(code, json.dumps(answer).encode(), "application/json")

    def call(self, path: str, body: Any) -> Any:
        allowed = False
        for method, pattern, route in ROUTES:
            if found := re.fullmatch(pattern, path):
                if method == self.command:
                    with self.service.store.lock:
                        return route(self.service, body, *found.groups())
                allowed = True
        raise Refusal(405 if allowed else 404, f"{self.command} {path}")

    def answer(self, code: int, data: bytes, kind: str) -> None:
        self.send_response(code)
        # The client decides by it what it may ask for [provider].
        self.send_header("METADATA_SERVICE_VERSION", VERSION)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:
        sys.stderr.write(f"{time.time():.3f} {format % args}\n")

    do_GET = do_POST = do_PATCH = handle_request


def main(port: int, wait: float) -> None:
    Handler.service = Service(Store(wait))
    ThreadingHTTPServer.request_queue_size = 128
    ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()


if __name__ == "__main__":
    main(int(sys.argv[-1]), float(sys.argv[1]) if len(sys.argv) > 2 else 10)
