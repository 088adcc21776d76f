"""The embedded instance's folder: where it is, and its first initialisation. Imports no Dagster.

The folder is a DAGSTER_HOME like any other, so that ``dagster dev`` with that variable shows the
runs in Dagster's UI.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from .._metaflow_internals.untyped import local_root

if TYPE_CHECKING:
    from .._metaflow_internals.types import FlowDatastore

_SETTINGS = """\
# Written by metaflow-dagster: the Dagster instance of this project's runs. You may edit it.
telemetry:
  enabled: false

# Runs that are launched start at once; no daemon is needed.
run_coordinator:
  module: dagster._core.run_coordinator
  class: DefaultRunCoordinator
"""


def embedded_home(flow_datastore: FlowDatastore | None = None) -> str:
    """``.metaflow/dagster`` of the project: next to the flow's data, if that is on this disk."""
    if flow_datastore is not None and flow_datastore.TYPE == "local":
        return os.path.join(os.path.abspath(flow_datastore.datastore_root), "dagster")
    return os.path.join(os.path.abspath(local_root()), "dagster")


def prepare_home(home: str) -> None:
    """Make the folder and its dagster.yaml, once."""
    os.makedirs(home, exist_ok=True)
    path = os.path.join(home, "dagster.yaml")
    if not os.path.exists(path):
        with locked(os.path.join(home, ".lock")):
            if not os.path.exists(path):
                with open(path + ".new", "w", encoding="utf-8") as file:
                    file.write(_SETTINGS)
                os.replace(path + ".new", path)


@contextmanager
def locked(path: str) -> Generator[None]:
    """Hold a lock between processes, for as long as it takes."""
    with open(path, "a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
