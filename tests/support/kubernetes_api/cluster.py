"""A cluster of one node on this machine, and what a test can do to it."""

from __future__ import annotations

import base64
import json
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from ..containers import make_image
from ..stand_in import StandIn
from .controllers import Controllers, finished_as
from .dns import dns
from .kubelet import Kubelet, Node
from .server import ClusterHandler
from .store import Object, Store

NAMESPACE = "default"


class Cluster(StandIn):
    """Its objects, its node, and its API server at ``url``."""

    def __init__(self, folder: Path, images: Mapping[str, Path]) -> None:
        super().__init__(ClusterHandler)
        self.folder = folder
        self.store = Store()
        self.node = Node(dict(images))
        self.kubelet = Kubelet(self.store, self.node, folder)
        self.controllers = Controllers(self.store, self.kubelet)
        self.namespaces = {NAMESPACE}
        self.may_exec = True
        """Whether commands may be run in pods, which many clusters forbid."""
        self.requests: list[tuple[str, str]] = []
        self.store.create("serviceaccounts", NAMESPACE, {"metadata": {"name": "default"}})
        self.kubeconfig = folder / "kubeconfig"
        self.kubeconfig.write_text(json.dumps(_kubeconfig(self.url)))
        self.start(self._tick)

    def _tick(self) -> None:
        self.controllers.tick()
        self.kubelet.tick()

    def close(self) -> None:
        self.stop()
        self.kubelet.kill_all()
        assert not self.errors, "\n".join(self.errors)

    # -- What a test does --------------------------------------------------------------------

    def secret(self, name: str, **values: str) -> None:
        data = {key: base64.b64encode(value.encode()).decode() for key, value in values.items()}
        body: Object = {"metadata": {"name": name}, "type": "Opaque", "data": data}
        self.store.create("secrets", NAMESPACE, body)

    def config_map(self, name: str, **values: str) -> None:
        self.store.create("configmaps", NAMESPACE, {"metadata": {"name": name}, "data": values})

    def service_account(self, name: str) -> None:
        self.store.create("serviceaccounts", NAMESPACE, {"metadata": {"name": name}})

    def vanish(self, pod: Object) -> None:
        """The pod is gone, as when its node is switched off and its object is deleted by force."""
        self.store.remove("pods", pod["metadata"]["namespace"], pod["metadata"]["name"])
        self.kubelet.kill(pod["metadata"]["uid"])

    def evict(self, pod: Object, message: str = "The node was low on resource: memory.") -> None:
        self.kubelet.fail(pod, "Evicted", message)

    # -- What a test sees --------------------------------------------------------------------

    def pods(self, **labels: str) -> list[Object]:
        """The pods that are there, those with the labels."""
        return [pod for pod in self.store.list("pods") if _has(pod, labels)]

    def all_pods(self, **labels: str) -> list[Object]:
        """Also those that were there: each as it was at last."""
        found: dict[str, Object] = {}
        for change in list(self.store.history):
            if change.kind == "pods":
                found[change.object["metadata"]["uid"]] = change.object
        return [pod for pod in found.values() if _has(pod, labels)]

    def running(self) -> list[Object]:
        """Pods whose processes are there."""
        containers = ((pod, self.kubelet.container(pod["metadata"]["uid"])) for pod in self.pods())
        return [pod for pod, it in containers if it is not None and it.exit_code is None]

    def unfinished_jobs(self) -> list[str]:
        """Jobs and job sets that may still start pods."""
        bodies = [*self.store.list("jobs"), *self.store.list("jobsets")]
        return [
            body["metadata"]["name"]
            for body in bodies
            if not finished_as(body) and body["spec"].get("parallelism") != 0
        ]

    def said(self, pod: Object) -> str:
        path = self.kubelet.log(pod["metadata"]["uid"])
        return path.read_text(errors="replace") if path else ""


def _has(pod: Object, labels: Mapping[str, str]) -> bool:
    own = pod["metadata"].get("labels") or {}
    return all(own.get(name) == value for name, value in labels.items())


def _kubeconfig(url: str) -> Object:
    context = {"cluster": "stand-in", "user": "tester", "namespace": NAMESPACE}
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "stand-in", "cluster": {"server": url}}],
        "users": [{"name": "tester", "user": {"token": "testing"}}],
        "contexts": [{"name": "stand-in", "context": context}],
        "current-context": "stand-in",
    }


@contextmanager
def serve(folder: Path, images: Mapping[str, Path] | None = None) -> Iterator[Cluster]:
    """A cluster on this machine; its one image is the one that Metaflow takes by default."""
    if images is None:
        image = make_image(folder / "image", dns(folder / "dns"))
        images = {f"python:{sys.version_info[0]}.{sys.version_info[1]}": image}
    cluster = Cluster(folder, images)
    try:
        yield cluster
    finally:
        cluster.close()
        shutil.rmtree(folder / "pods", ignore_errors=True)
