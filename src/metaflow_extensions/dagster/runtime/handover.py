"""How ops hand task paths to each other: through Metaflow's datastore, wherever it is."""

import json
import os
from io import BytesIO
from typing import Any

from dagster import ConfigurableIOManager, InputContext, OutputContext

from .constants import FLOW_NAME
from .store import _storage, _top_option


class _TaskPaths(ConfigurableIOManager):
    """Keeps what ops yield, so that other hosts and re-executed runs find it too.

    The values are small and plain: task paths, lists of them, numbers of splits.
    """

    def handle_output(self, context: OutputContext, obj: Any) -> None:
        _write_small(self._name(context), json.dumps(obj).encode())

    def load_input(self, context: InputContext) -> Any:
        if context.upstream_output is None:
            raise ValueError("The input comes from no other op.")
        return json.loads(_read_small(self._name(context.upstream_output)))

    @staticmethod
    def _name(context: OutputContext) -> str:
        # run, step and output, and the mapping key of a dynamic output
        return "/".join([FLOW_NAME, "_dagster", *context.get_identifier()])


def _write_small(name: str, data: bytes) -> None:
    """Put a small file in the datastore, replacing it at once."""
    if _top_option("datastore") != "local":
        _storage().save_bytes([(name, BytesIO(data))], overwrite=True)
        return
    path = os.path.join(_top_option("datastore-root"), name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    scratch = f"{path}.{os.getpid()}"
    with open(scratch, "wb") as file:
        file.write(data)
    os.replace(scratch, path)


def _read_small(name: str) -> bytes:
    """Read what `_write_small` wrote."""
    if _top_option("datastore") == "local":
        with open(os.path.join(_top_option("datastore-root"), name), "rb") as file:
            return file.read()
    with _storage().load_bytes([name]) as loaded:
        for _, path, _ in loaded:
            if path is not None:
                with open(path, "rb") as file:
                    return file.read()
    raise FileNotFoundError(name)
