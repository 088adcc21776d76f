"""Commands with one option for each parameter of the flow, whatever the parameters are called."""

from __future__ import annotations

import json
from typing import Any

from metaflow import parameters

from .._metaflow_internals import click, parameters_of

PREFIX = "dagster-"


class FlowCommand(click.Command):
    """A command that has flow parameters among its options.

    Metaflow inserts the parameters (``add_custom_parameters`` in metaflow/parameters.py, and
    ``extract_command`` in metaflow/runner/click_api.py). Where a parameter is called like an
    option of ours, the parameter gets the name, and ours becomes ``--dagster-<name>``. Values come
    without their defaults: what was not given is left to the deployed job.

    Args:
        demands: Whether parameters that must be given are demanded here.
    """

    def __init__(self, *args: Any, demands: bool = True, **kwargs: Any) -> None:
        self._demands = demands
        super().__init__(*args, **kwargs)

    @property
    def params(self) -> list[Any]:
        return self._params

    @params.setter
    def params(self, params: list[Any]) -> None:
        self._params = _Params(params, self._demands)


class _Params(list[Any]):
    def __init__(self, params: list[Any], demands: bool) -> None:
        super().__init__(params)
        self._demands = demands

    def insert(self, index: Any, option: Any) -> None:  # type: ignore[override]
        """Take a parameter of the flow; see FlowCommand."""
        option.is_flow_parameter = True
        option.default = None
        option.show_default = False
        option.required = option.required and self._demands
        for place, own in enumerate(self):
            if getattr(own, "is_flow_parameter", False):
                continue
            if own.name == option.name or set(own.opts) & set(option.opts):
                self[place] = _renamed(own)
        super().insert(index, option)


def _renamed(own: Any) -> Any:
    """A copy of an option of ours that leaves its name to a parameter."""
    if not isinstance(own, click.Option):
        return own
    other = click.Option.__new__(click.Option)
    other.__dict__.update(own.__dict__)
    long_name = max(own.opts, key=len).lstrip("-").removeprefix(PREFIX)
    other.opts = [f"--{PREFIX}{long_name}"]
    other.secondary_opts = []
    other.name = "dagster_" + own.name.removeprefix("dagster_")
    return other


def own_value(values: dict[str, Any], name: str) -> Any:
    """The value of an option of ours, whatever name it had to take."""
    return values[f"dagster_{name}"] if f"dagster_{name}" in values else values[name]


def given_parameters(flow: Any, values: dict[str, Any]) -> dict[str, Any]:
    """The flow parameters that were given, by Metaflow's names, as plain data."""
    given = {}
    for _, parameter in parameters_of(flow):
        # click spells its destinations so.
        value = values.get(parameter.name.replace("-", "_").lower())
        if value is None or value == ():
            continue
        if isinstance(value, parameters.DelayedEvaluationParameter):
            # IncludeFile: uploads the file and gives its descriptor.
            value = value(return_str=True)
        elif isinstance(parameter.kwargs.get("type"), parameters.JSONTypeClass):
            value = json.dumps(value) if isinstance(value, str) else value
        elif isinstance(value, tuple):
            value = [list(entry) if isinstance(entry, tuple) else entry for entry in value]
        given[parameter.name] = value
    return given
