"""What an API server keeps: objects by kind, their versions, and who is watching."""

from __future__ import annotations

import copy
import itertools
import random
import re
import string
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

Object = dict[str, Any]
"""An object as the API writes it, in JSON's types."""

KINDS = {
    "configmaps": ("v1", "ConfigMap"),
    "events": ("v1", "Event"),
    "jobs": ("batch/v1", "Job"),
    "jobsets": ("jobset.x-k8s.io/v1alpha2", "JobSet"),
    "namespaces": ("v1", "Namespace"),
    "nodes": ("v1", "Node"),
    "pods": ("v1", "Pod"),
    "secrets": ("v1", "Secret"),
    "serviceaccounts": ("v1", "ServiceAccount"),
}
_ALPHABET = "".join(set(string.digits + string.ascii_lowercase) - set("013aeilou"))


class ApiError(Exception):
    """An answer other than success, as ``metav1.Status`` words it."""

    def __init__(self, code: int, reason: str, message: str) -> None:
        super().__init__(message)
        self.code, self.reason, self.message = code, reason, message

    def body(self) -> Object:
        return {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": self.message,
            "reason": self.reason,
            "code": self.code,
        }


@dataclass(frozen=True)
class Change:
    """One event of a watch."""

    version: int
    type: str
    kind: str
    object: Object


class Store:
    """All objects of a cluster. Nobody changes what it gives: ``update`` makes a new version."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self._changed = threading.Condition(self.lock)
        self._versions = itertools.count(1)
        self.version = 0
        self._objects: dict[tuple[str, str, str], Object] = {}
        self.history: list[Change] = []

    def create(self, kind: str, namespace: str, given: Object) -> Object:
        body = copy.deepcopy(given)
        meta = body.setdefault("metadata", {})
        if not meta.get("name") and meta.get("generateName"):
            meta["name"] = meta["generateName"][:58] + suffix()
        api, name = KINDS[kind]
        with self.lock:
            key = (kind, namespace, meta["name"])
            if key in self._objects:
                message = f'{kind} "{meta["name"]}" already exists'
                raise ApiError(409, "AlreadyExists", message)
            meta |= {"uid": str(uuid.uuid4()), "creationTimestamp": now(), "namespace": namespace}
            body |= {"apiVersion": body.get("apiVersion") or api, "kind": name}
            self._objects[key] = body
            return self._record("ADDED", kind, body)

    def get(self, kind: str, namespace: str, name: str) -> Object:
        with self.lock:
            found = self._objects.get((kind, namespace, name))
            if found is None:
                raise ApiError(404, "NotFound", f'{kind} "{name}" not found')
            return found

    def find(self, kind: str, namespace: str, name: str) -> Object | None:
        try:
            return self.get(kind, namespace, name)
        except ApiError:
            return None

    def list(self, kind: str, namespace: str | None = None) -> list[Object]:
        with self.lock:
            return [
                found
                for (is_kind, space, _), found in self._objects.items()
                if is_kind == kind and namespace in (None, space)
            ]

    def update(
        self, kind: str, namespace: str, name: str, change: Callable[[Object], Any]
    ) -> Object | None:
        """Keep a changed copy of an object in its place; None where it is gone.

        Args:
            change: Changes the copy that it is given.
        """
        key = (kind, namespace, name)
        with self.lock:
            found = self._objects.get(key)
            if found is None:
                return None
            changed = copy.deepcopy(found)
            change(changed)
            if changed == found:
                return found
            self._objects[key] = changed
            return self._record("MODIFIED", kind, changed)

    def remove(self, kind: str, namespace: str, name: str) -> Object | None:
        with self.lock:
            found = self._objects.pop((kind, namespace, name), None)
            return found and self._record("DELETED", kind, copy.deepcopy(found))

    def _record(self, type_: str, kind: str, body: Object) -> Object:
        self.version = next(self._versions)
        body["metadata"]["resourceVersion"] = str(self.version)
        self.history.append(Change(self.version, type_, kind, body))
        self._changed.notify_all()
        return body

    def changes(self, since: int, until: float) -> Iterator[Change]:
        """What changes after a version, as it happens, until a moment of the monotonic clock."""
        place = 0
        while True:
            with self._changed:
                fresh = self.history[place:]
                place = len(self.history)
                left = until - time.monotonic()
                if not fresh:
                    if left <= 0:
                        return
                    self._changed.wait(min(left, 1))
                    continue
            yield from (change for change in fresh if change.version > since)

    def wait(self, seconds: float) -> None:
        """Until something has changed, at most for some seconds."""
        with self._changed:
            self._changed.wait(seconds)


# -- Selectors -------------------------------------------------------------------------------


def selected(body: Object, labels: str, fields: str) -> bool:
    """Whether an object has what the selectors of a list or a watch ask for."""
    return _has_labels(body["metadata"].get("labels") or {}, labels) and all(
        _has_field(body, part) for part in filter(None, fields.split(","))
    )


def _has_labels(labels: Mapping[str, str], selector: str) -> bool:
    parts = [part.strip() for part in re.split(r",(?![^(]*\))", selector) if part.strip()]
    return all(_has_label(labels, part) for part in parts)


def _has_label(labels: Mapping[str, str], part: str) -> bool:
    if match := re.fullmatch(r"(\S+)\s+(in|notin)\s+\(([^)]*)\)", part):
        values = {value.strip() for value in match[3].split(",")}
        return (labels.get(match[1]) in values) == (match[2] == "in")
    if match := re.fullmatch(r"([^=!\s]+)\s*(==|=|!=)\s*(\S*)", part):
        return (labels.get(match[1]) == match[3]) == (match[2] != "!=")
    if part.startswith("!"):
        return part[1:] not in labels
    if re.fullmatch(r"[\w./-]+", part):
        return part in labels
    raise ApiError(400, "BadRequest", f"unable to parse requirement: {part}")


def _has_field(body: Object, part: str) -> bool:
    match = re.fullmatch(r"([\w.]+)(==|=|!=)(.*)", part)
    if match is None:
        raise ApiError(400, "BadRequest", f"invalid field selector: {part}")
    value: Any = body
    for name in match[1].split("."):
        value = (value or {}).get(name)
    return (str(value or "") == match[3]) == (match[2] != "!=")


def merge(target: Object, patch: Object) -> None:
    """RFC 7386, which for objects without lists is also what a strategic patch does."""
    for key, value in patch.items():
        if value is None:
            target.pop(key, None)
        elif isinstance(value, dict) and isinstance(target.get(key), dict):
            merge(target[key], value)
        else:
            target[key] = value


def now() -> str:
    return datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def suffix() -> str:
    """What is put after a generated name (``rand.String`` of apimachinery)."""
    return "".join(random.choices(_ALPHABET, k=5))
