"""Where a flow is deployed from, and where its data goes: read once, as plain data."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from .._metaflow_internals.untyped import top_level_options
from .settings import bake_settings


@dataclass(frozen=True)
class Site:
    """What surrounds a flow at its deployment."""

    flow_file: str
    """Absolute path of the flow's source."""
    working_dir: str
    """Where steps run."""
    top_args: tuple[str, ...]
    """Options before the command, as native passes them."""
    settings: dict[str, str]
    """Variables of the environment that every process of Metaflow is given."""


def read_site(state: Any, warn: Callable[[str], None]) -> Site:
    """Read Metaflow's ``CliState``, the command line and the environment.

    Args:
        state: With the flow loaded.
        warn: Told about each setting that is left out because it holds credentials.
    """
    flow_file = os.path.abspath(sys.argv[0])
    return Site(
        flow_file=flow_file,
        working_dir=_working_dir(flow_file, state.flow_datastore),
        top_args=_top_args(state),
        settings=bake_settings(os.environ, warn=warn),
    )


def _top_args(state: Any) -> tuple[str, ...]:
    """Options before the command, as native passes them (metaflow/runtime.py, CLIArgs)."""
    args: list[str] = []
    for name, value in top_level_options(state.flow):
        if value is None or value is False:
            continue
        flag = "--" + name.replace("_", "-")
        values: Sequence[Any] = value if isinstance(value, (list, tuple)) else [value]
        args += [flag if v is True else f"{flag}={v}" for v in values]
    return (
        *args,
        "--quiet",
        "--no-pylint",
        f"--metadata={state.metadata.TYPE}",
        f"--environment={state.environment.TYPE}",
        f"--datastore={state.flow_datastore.TYPE}",
        f"--datastore-root={state.flow_datastore.datastore_root}",
        f"--event-logger={state.event_logger.TYPE}",
        f"--monitor={state.monitor.TYPE}",
    )


def _working_dir(flow_file: str, datastore: Any) -> str:
    """Where steps run: the flow's folder, unless Metaflow would not find its data from there.

    Metaflow's card writer looks for ``.metaflow`` from the working directory upwards
    (metaflow/plugins/datastores/local_storage.py), so that must lead to the datastore in use.
    """
    folder = os.path.dirname(flow_file)
    if datastore.TYPE != "local":
        return folder
    root = os.path.abspath(datastore.datastore_root)
    current = folder
    while True:
        candidate = os.path.join(current, ".metaflow")
        if os.path.isdir(candidate):
            return (
                folder
                if os.path.realpath(candidate) == os.path.realpath(root)
                else (os.path.dirname(root))
            )
        if os.path.dirname(current) == current:
            return os.path.dirname(root)
        current = os.path.dirname(current)
