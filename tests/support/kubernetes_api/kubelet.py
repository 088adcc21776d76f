"""The scheduler and the kubelet of the one node: pods become processes, and say how they are."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..containers import Container
from .containers import ConfigError, command, environment, mount
from .store import Object, Store, now

_LOGGED = 2048  # bytes of a log that become a message (FallbackToLogsOnError)


@dataclass
class Node:
    """What the node is like. Tests change it while pods run."""

    images: dict[str, Path]
    """The images that can be pulled, and the folder of programs that is first on their PATH."""
    labels: dict[str, str] = field(default_factory=dict)
    max_pods: int = 110
    start_seconds: float = 0.0
    """How long a container takes to be created."""


@dataclass
class _Running:
    container: Container | None = None
    started: str = ""
    due: float = 0.0
    """When the container may start."""
    deadline: float = float("inf")
    kill_at: float = float("inf")
    """When it is killed, once it has been asked to end."""
    ended: bool = False


class Kubelet:
    """Pods of the cluster, which has one node."""

    def __init__(self, store: Store, node: Node, folder: Path) -> None:
        self.node = node
        self._store = store
        self._folder = folder
        self.dns = folder / "dns"
        self.dns.mkdir(exist_ok=True)
        self._pods: dict[str, _Running] = {}
        self._logs: dict[str, Path] = {}

    def tick(self) -> None:
        """Do what is to be done now for each pod."""
        pods = self._store.list("pods")
        for pod in pods:
            if pod["metadata"].get("deletionTimestamp"):
                self._end(pod)
            elif not pod["spec"].get("nodeName"):
                self._schedule(pod)
            elif pod["status"]["phase"] in ("Pending", "Running"):
                self._sync(pod)
        there = {pod["metadata"]["uid"] for pod in pods}
        for uid in self._pods.keys() - there:
            self.kill(uid)
            del self._pods[uid]

    def kill(self, uid: str) -> None:
        """End all processes of a pod at once."""
        running = self._pods.get(uid)
        if running and running.container:
            running.container.kill()

    def kill_all(self) -> None:
        for uid in list(self._pods):
            self.kill(uid)

    def container(self, uid: str) -> Container | None:
        running = self._pods.get(uid)
        return running.container if running else None

    def log(self, uid: str) -> Path | None:
        return self._logs.get(uid)

    def release(self, uid: str) -> None:
        """The pod's status is final, whatever its container does now."""
        self.kill(uid)
        if uid in self._pods:
            self._pods[uid].ended = True

    # -- One pod -----------------------------------------------------------------------------

    def _schedule(self, pod: Object) -> None:
        why = None
        selector = pod["spec"].get("nodeSelector") or {}
        if any(self.node.labels.get(key) != value for key, value in selector.items()):
            why = "1 node(s) didn't match Pod's node affinity/selector"
        elif sum(not running.ended for running in self._pods.values()) >= self.node.max_pods:
            why = "1 Too many pods"
        if why:
            message = f"0/1 nodes are available: {why}."
            if not _condition(pod, "PodScheduled"):
                self.event(pod, "Warning", "FailedScheduling", message)
            self._update(
                pod, lambda it: _set(it, "PodScheduled", "False", "Unschedulable", message)
            )
            return
        running = self._pods[pod["metadata"]["uid"]] = _Running()
        running.due = time.monotonic() + self.node.start_seconds
        if limit := pod["spec"].get("activeDeadlineSeconds"):
            running.deadline = time.monotonic() + float(limit)

        def bind(it: Object) -> None:
            it["spec"]["nodeName"] = "node-0"
            it["status"] |= {"hostIP": "127.0.0.1", "podIP": "127.0.0.1", "startTime": now()}
            _set(it, "PodScheduled", "True")
            _set_container(it, "waiting", {"reason": "ContainerCreating"})

        self._update(pod, bind)
        self.event(pod, "Normal", "Scheduled", "Successfully assigned the pod to node-0")

    def _sync(self, pod: Object) -> None:
        running = self._pods[pod["metadata"]["uid"]]
        if time.monotonic() > running.deadline:
            message = "Pod was active on the node longer than the specified deadline"
            self.fail(pod, "DeadlineExceeded", message)
        elif running.container is None:
            if time.monotonic() >= running.due:
                self._start(pod, running)
        elif running.container.exit_code is not None:
            self._finished(pod, running, running.container)

    def _start(self, pod: Object, running: _Running) -> None:
        spec = pod["spec"]["containers"][0]
        image = spec["image"]
        running.due = time.monotonic() + 0.5  # if it cannot start, it is tried again
        if image not in self.node.images:
            before = _waiting(pod)
            reason = "ErrImagePull" if before == "ContainerCreating" else "ImagePullBackOff"
            message = f'failed to pull image "{image}": not found'
            if reason == "ErrImagePull":
                self.event(pod, "Warning", "Failed", message)
            state = {"reason": reason, "message": message}
            self._update(pod, lambda it: _set_container(it, "waiting", state))
            return
        root = self._folder / "pods" / pod["metadata"]["uid"]
        try:
            env = environment(self._store, pod, spec)
            mount(self._store, pod, spec, self._folder)
        except ConfigError as error:
            state = {"reason": "CreateContainerConfigError", "message": str(error)}
            self._update(pod, lambda it: _set_container(it, "waiting", state))
            return
        name = pod["spec"].get("hostname") or pod["metadata"]["name"]
        self._name(pod)
        work = Path(spec["workingDir"]) if spec.get("workingDir") else None
        container = Container(root, command(spec, env), env, self.node.images[image], name, work)
        running.container, running.started = container, now()
        self._logs[pod["metadata"]["uid"]] = container.log

        def started(it: Object) -> None:
            it["status"]["phase"] = "Running"
            _set_container(it, "running", {"startedAt": running.started})
            for condition in ("Initialized", "ContainersReady", "Ready"):
                _set(it, condition, "True")

        self._update(pod, started)
        self.event(pod, "Normal", "Started", f"Started container {spec['name']}")

    def _name(self, pod: Object) -> None:
        """A name in the cluster's DNS, for pods with a subdomain."""
        if subdomain := pod["spec"].get("subdomain"):
            name = f"{pod['spec']['hostname']}.{subdomain}.{pod['metadata']['namespace']}"
            (self.dns / f"{name}.svc.cluster.local").touch()

    def _finished(self, pod: Object, running: _Running, container: Container) -> None:
        code = container.exit_code
        running.ended = True

        def finish(it: Object) -> None:
            it["status"]["phase"] = "Failed" if code else "Succeeded"
            state = {
                "exitCode": code,
                "reason": "Error" if code else "Completed",
                "startedAt": running.started,
                "finishedAt": now(),
            }
            spec = it["spec"]["containers"][0]
            if code and spec.get("terminationMessagePolicy") == "FallbackToLogsOnError":
                state["message"] = container.said()[-_LOGGED:]
            _set_container(it, "terminated", state)
            for condition in ("ContainersReady", "Ready"):
                _set(it, condition, "False", "PodCompleted")

        self._update(pod, finish)

    def fail(self, pod: Object, reason: str, message: str) -> None:
        """The kubelet gives the pod up: its containers' states are not told any more."""
        self.release(pod["metadata"]["uid"])

        def give_up(it: Object) -> None:
            it["status"] |= {"phase": "Failed", "reason": reason, "message": message}
            it["status"].pop("containerStatuses", None)

        self._update(pod, give_up)
        self.event(pod, "Warning", reason, message)

    def _end(self, pod: Object) -> None:
        """SIGTERM, after the period of grace SIGKILL, and then the object goes."""
        meta = pod["metadata"]
        running = self._pods.get(meta["uid"])
        if running and running.container and running.container.exit_code is None:
            if running.kill_at == float("inf"):
                running.kill_at = time.monotonic() + meta["deletionGracePeriodSeconds"]
                if meta["deletionGracePeriodSeconds"]:
                    running.container.terminate()
                    self.event(pod, "Normal", "Killing", "Stopping container")
            if time.monotonic() < running.kill_at:
                return
            running.container.kill()
        self._store.remove("pods", meta["namespace"], meta["name"])

    def event(self, owner: Object, type_: str, reason: str, message: str) -> None:
        meta = owner["metadata"]
        involved = {
            "kind": owner["kind"],
            "apiVersion": owner["apiVersion"],
            "name": meta["name"],
            "namespace": meta["namespace"],
            "uid": meta["uid"],
        }
        body: Object = {
            "metadata": {"generateName": meta["name"][:50] + "."},
            "involvedObject": involved,
            "reason": reason,
            "message": message,
            "type": type_,
            "count": 1,
            "firstTimestamp": now(),
            "lastTimestamp": now(),
            "source": {"component": "stand-in"},
        }
        self._store.create("events", meta["namespace"], body)

    def _update(self, pod: Object, change: Callable[[Object], Any]) -> None:
        meta = pod["metadata"]
        self._store.update("pods", meta["namespace"], meta["name"], change)


def _condition(pod: Object, kind: str) -> Object | None:
    conditions = pod["status"].get("conditions") or ()
    return next((found for found in conditions if found["type"] == kind), None)


def _set(pod: Object, kind: str, status: str, reason: str = "", message: str = "") -> None:
    set_condition(pod["status"], kind, status, reason, message)


def set_condition(
    status: Object, kind: str, value: str, reason: str = "", message: str = ""
) -> None:
    conditions = status.setdefault("conditions", [])
    found = next((old for old in conditions if old["type"] == kind), None)
    if found is None:
        found = {"type": kind}
        conditions.append(found)
    if found.get("status") != value or found.get("reason", "") != reason:
        found |= {"status": value, "lastTransitionTime": now()}
        found |= {"reason": reason, "message": message} if reason else {}


def _waiting(pod: Object) -> str:
    statuses = pod["status"].get("containerStatuses") or [{}]
    return ((statuses[0].get("state") or {}).get("waiting") or {}).get("reason", "")


def _set_container(pod: Object, state: str, what: Object) -> None:
    spec = pod["spec"]["containers"][0]
    pod["status"]["containerStatuses"] = [
        {
            "name": spec["name"],
            "image": spec["image"],
            "imageID": spec["image"],
            "restartCount": 0,
            "ready": state == "running",
            "started": state == "running",
            "lastState": {},
            "state": {state: what},
        }
    ]
