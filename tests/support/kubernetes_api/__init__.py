"""A Kubernetes cluster for tests: the API server's routes, and processes in place of containers.

It serves what the official Python client asks for on behalf of Metaflow and dagster-k8s: jobs,
job sets, pods with their logs, events, secrets, config maps and watches. Nothing of the product
knows of it. What it does is what Kubernetes is documented to do, or what the named source files of
Kubernetes do; what it does not have (several containers in a pod, a file system or a network of a
pod's own) is refused or said where it matters.
"""

from .cluster import NAMESPACE, Cluster, serve
from .store import Object

__all__ = ["NAMESPACE", "Cluster", "Object", "serve"]
