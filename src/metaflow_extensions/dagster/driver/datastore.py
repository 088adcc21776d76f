"""What an op reads and writes in Metaflow's datastore.

Metaflow reads its settings when it is imported, so it is imported within functions, after the
flow's settings have been set.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from functools import cache
from importlib import import_module
from io import BytesIO
from threading import Thread
from typing import TYPE_CHECKING, Any

from .flow import Flow, top_option
from .patience import patient
from .settings import use_settings

if TYPE_CHECKING:
    from .._metaflow_internals.types import Storage, TaskDatastore


def begin_import(flow: Flow) -> None:
    """Import Metaflow in a thread, while the process that begins the run does so too."""
    use_settings(flow)
    Thread(target=_import, name="import metaflow").start()


def _import() -> None:
    with suppress(Exception):  # the op meets the same error
        for name in ("datastore.flow_datastore", "mflog", "plugins"):
            import_module(f"metaflow.{name}")


def _storage(flow: Flow) -> Storage:
    """Metaflow's access to the datastore's files."""
    use_settings(flow)
    import_module("metaflow")  # before its extension, which it loads itself
    from .._metaflow_internals.untyped import storage_named

    return storage_named(top_option(flow, "datastore"), top_option(flow, "datastore-root"))


@patient
def task_datastore(flow: Flow, path: str, mode: str, attempt: int | None = None) -> TaskDatastore:
    """Open a task's datastore; reading without an attempt opens the one that succeeded.

    Args:
        path: ``run/step/task``.
        mode: ``r`` or ``w``.

    Raises:
        metaflow.datastore.exceptions.DataException: no such (finished) task.
    """
    storage = _storage(flow)
    from .._metaflow_internals.untyped import flow_datastore

    store = flow_datastore(flow.flow_name, storage)
    run_id, step_name, task_id = path.split("/")
    return store.get_task_datastore(run_id, step_name, task_id, attempt=attempt, mode=mode)


@patient
def is_done(flow: Flow, path: str) -> bool:
    """Whether a task has succeeded; a failed attempt is finished too, but not that."""
    use_settings(flow)
    from metaflow.datastore.exceptions import DataException

    try:
        return bool(task_datastore(flow, path, "r").get("_task_ok"))
    except DataException:
        return False


@patient
def not_done(flow: Flow, paths: list[str]) -> list[str]:
    """Which of these tasks have not succeeded; all are read at once."""
    storage = _storage(flow)
    from .._metaflow_internals.untyped import flow_datastore, tasks_at

    tasks = tasks_at(flow_datastore(flow.flow_name, storage), paths)
    done = {task.pathspec for task in tasks if task.get("_task_ok")}
    return [path for path in paths if path not in done]


@patient
def attempts_made(flow: Flow, path: str) -> int:
    """How many attempts of a task have been made; its op keeps the exit code of each one."""
    attempt = 0
    while task_datastore(flow, path, "w", attempt).has_metadata("runtime"):
        attempt += 1
    return attempt


@patient
@cache
def clones(flow: Flow, run_id: str) -> dict[str, Any]:
    """The results of all cloned tasks of a run, by their paths (``dagster clone``)."""
    task = task_datastore(flow, f"{run_id}/_parameters/params", "r")
    if not task.has_metadata("dagster-clones", add_attempt=False):
        return {}
    return task.load_metadata(["dagster-clones"], add_attempt=False)["dagster-clones"]


@patient
def write_small(flow: Flow, name: str, value: Any) -> None:
    """Put plain data into a small file of the datastore, replacing it at once.

    Args:
        name: The file's name from the datastore's root.
    """
    data = json.dumps(value).encode()
    if top_option(flow, "datastore") != "local":
        _storage(flow).save_bytes([(name, BytesIO(data))], overwrite=True)
        return
    path = os.path.join(top_option(flow, "datastore-root"), name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    scratch = f"{path}.{os.getpid()}"
    with open(scratch, "wb") as file:
        file.write(data)
    os.replace(scratch, path)


def read_small(flow: Flow, name: str) -> Any:
    """Read what `write_small` wrote."""
    return json.loads(read_file(flow, name))


@patient
def read_file(flow: Flow, name: str) -> bytes:
    """A file of the datastore.

    Raises:
        FileNotFoundError: there is none.
    """
    if top_option(flow, "datastore") == "local":
        with open(os.path.join(top_option(flow, "datastore-root"), name), "rb") as file:
            return file.read()
    with _storage(flow).load_bytes([name]) as loaded:
        for _, path, _ in loaded:
            if path is not None:
                with open(path, "rb") as file:
                    return file.read()
    raise FileNotFoundError(name)


def data_name(flow: Flow, digest: str) -> str:
    """The name of a file in the datastore that is kept by the SHA-1 of its content."""
    return f"{flow.flow_name}/data/{digest[:2]}/{digest}"
