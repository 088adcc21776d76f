"""Which jobs have been deployed: one small JSON file for each, in the flow's own datastore.

All who share a datastore see the same deployments, whatever the datastore is, as they would see
the same templates in a cluster. A file is named after its job, ``dagster/deployments/<job>.json``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields
from io import BytesIO
from typing import TYPE_CHECKING, Any

from .._metaflow_internals import storage_of
from .._metaflow_internals.untyped import default_storage
from ..plan.options import CreateOptions

if TYPE_CHECKING:
    from .._metaflow_internals.types import FlowDatastore, Storage

_FOLDER = "dagster/deployments"
_RUNS = "dagster/runs"


@dataclass(frozen=True)
class Deployment:
    """What ``dagster create`` knows of a job."""

    name: str
    """The Dagster job."""
    flow_name: str
    definitions_file: str
    """Absolute path, on the machine where the job was created."""
    user: str
    project: str | None = None
    branch: str | None = None
    production_token: str | None = None
    parameters: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])
    """By name, with what ``generate_fake_flow_file_contents`` of metaflow/runner/deployer.py
    reads."""
    steps: list[str] = field(default_factory=list[str])
    options: CreateOptions = field(default_factory=CreateOptions)
    """What ``dagster create`` was asked for, for a resume to ask for the same."""


class Registry:
    """The deployments of a datastore."""

    def __init__(self, storage: Storage) -> None:
        """``storage`` is a ``DataStoreStorage`` of Metaflow, opened at its root."""
        self._storage = storage

    @classmethod
    def of(cls, flow_datastore: FlowDatastore) -> Registry:
        """The registry next to a flow's data."""
        return cls(storage_of(flow_datastore))

    @classmethod
    def default(cls) -> Registry:
        """The registry of Metaflow's configured datastore, for commands without a flow."""
        return cls(default_storage())

    def save(self, deployment: Deployment) -> None:
        self._write(_path(deployment.name), asdict(deployment))

    def get(self, name: str) -> Deployment | None:
        """The deployment of a job, if there is one."""
        content = self._read(_path(name))
        if content is None or content.get("deleted"):
            return None
        known = {f.name for f in fields(Deployment)}
        content["options"] = CreateOptions.from_values(content.get("options", {}))
        return Deployment(**{k: v for k, v in content.items() if k in known})

    def all(self) -> Iterator[Deployment]:
        """All deployments, by name."""
        names: list[str] = []
        for entry in self._storage.list_content([_FOLDER]):
            name = self._storage.basename(entry.path)
            if entry.is_file and name.endswith(".json"):
                names.append(name.removesuffix(".json"))
        for name in sorted(names):
            deployment = self.get(name)
            if deployment is not None:
                yield deployment

    def delete(self, name: str) -> None:
        """Forget a job. Metaflow's storages have no way to delete, so a mark is left."""
        self._write(_path(name), {"name": name, "deleted": True})

    def save_run(self, job: str, run_id: str, address: Mapping[str, Any]) -> None:
        """Note which Dagster a run went to, by what its target's ``address()`` gives."""
        self._write(_run_path(job, run_id), dict(address))

    def run_address(self, job: str, run_id: str) -> dict[str, Any] | None:
        """What ``save_run`` has noted of a run, by its Metaflow id."""
        return self._read(_run_path(job, run_id))

    def _read(self, path: str) -> dict[str, Any] | None:
        if not self._storage.is_file([path])[0]:
            return None
        with self._storage.load_bytes([path]) as loaded:
            ((_, local_path, _),) = loaded
            assert local_path is not None  # it is there
            with open(local_path, encoding="utf-8") as file:
                return json.load(file)

    def _write(self, path: str, content: dict[str, Any]) -> None:
        text = json.dumps(content, indent=2, sort_keys=True) + "\n"
        pair = (path, BytesIO(text.encode()))
        self._storage.save_bytes([pair], overwrite=True, len_hint=1)


def _path(name: str) -> str:
    return f"{_FOLDER}/{name}.json"


def _run_path(job: str, run_id: str) -> str:
    return f"{_RUNS}/{job}/{run_id}.json"
