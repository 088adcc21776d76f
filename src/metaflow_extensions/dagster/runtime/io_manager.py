"""How ops hand task paths to each other: through Metaflow's datastore, wherever it is."""

from typing import Any

from dagster import InputContext, IOManager, OutputContext

from .driver import _driver
from .flow import _Flow


class _TaskPaths(IOManager):
    """Keeps what ops yield, so that other hosts and re-executed runs find it too.

    The values are small and plain: task paths, lists of them, numbers of splits.
    """

    def __init__(self, flow: _Flow) -> None:
        self._flow = flow

    def handle_output(self, context: OutputContext, obj: Any) -> None:
        _driver(self._flow).write_small(self._flow, self._name(context), obj)

    def load_input(self, context: InputContext) -> Any:
        if context.upstream_output is None:
            raise ValueError("The input comes from no other op.")
        name = self._name(context.upstream_output)
        return _driver(self._flow).read_small(self._flow, name)

    def _name(self, context: OutputContext) -> str:
        # run, step and output, and the mapping key of a dynamic output
        return "/".join([self._flow.flow_name, "_dagster", *context.get_identifier()])
