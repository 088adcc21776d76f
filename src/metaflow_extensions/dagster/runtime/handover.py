"""How ops hand task paths to each other: through Metaflow's datastore, wherever it is."""

import json
import os
from io import BytesIO
from typing import Any

from dagster import InputContext, IOManager, OutputContext

from .flow import _Flow
from .store import _storage, _top_option


class _TaskPaths(IOManager):
    """Keeps what ops yield, so that other hosts and re-executed runs find it too.

    The values are small and plain: task paths, lists of them, numbers of splits.
    """

    def __init__(self, flow: _Flow) -> None:
        self._flow = flow

    def handle_output(self, context: OutputContext, obj: Any) -> None:
        _write_small(self._flow, self._name(context), json.dumps(obj).encode())

    def load_input(self, context: InputContext) -> Any:
        if context.upstream_output is None:
            raise ValueError("The input comes from no other op.")
        return json.loads(_read_small(self._flow, self._name(context.upstream_output)))

    def _name(self, context: OutputContext) -> str:
        # run, step and output, and the mapping key of a dynamic output
        return "/".join([self._flow.flow_name, "_dagster", *context.get_identifier()])


def _write_small(flow: _Flow, name: str, data: bytes) -> None:
    """Put a small file in the datastore, replacing it at once."""
    if _top_option(flow, "datastore") != "local":
        _storage(flow).save_bytes([(name, BytesIO(data))], overwrite=True)
        return
    path = os.path.join(_top_option(flow, "datastore-root"), name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    scratch = f"{path}.{os.getpid()}"
    with open(scratch, "wb") as file:
        file.write(data)
    os.replace(scratch, path)


def _read_small(flow: _Flow, name: str) -> bytes:
    """Read what `_write_small` wrote."""
    if _top_option(flow, "datastore") == "local":
        path = os.path.join(_top_option(flow, "datastore-root"), name)
        with open(path, "rb") as file:
            return file.read()
    with _storage(flow).load_bytes([name]) as loaded:
        for _, path, _ in loaded:
            if path is not None:
                with open(path, "rb") as file:
                    return file.read()
    raise FileNotFoundError(name)
