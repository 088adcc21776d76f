"""Commands with one option for each parameter of the flow, whatever the parameters are called."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, SupportsIndex, TypeGuard

from metaflow import parameters

from .._metaflow_internals import click, parameters_of

if TYPE_CHECKING:
    from .._metaflow_internals.types import Flow

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

    # Metaflow's Deployer sets it anew for each flow that a process loads (runner/click_api.py).
    @property
    def params(self) -> list[click.Parameter]:
        return self._params

    @params.setter
    def params(  # pyright: ignore[reportIncompatibleVariableOverride]
        self, params: Iterable[click.Parameter]
    ) -> None:
        self._params = _Params(params, self._demands)


class _Params(list["click.Parameter"]):
    def __init__(self, params: Iterable[click.Parameter], demands: bool) -> None:
        super().__init__(params)
        self._demands = demands
        self._of_flow: list[click.Parameter] = []

    def insert(self, index: SupportsIndex, option: click.Parameter, /) -> None:
        """Take a parameter of the flow; see FlowCommand."""
        self._of_flow.append(option)
        option.default = None
        option.required = option.required and self._demands
        if isinstance(option, click.Option):
            option.show_default = False
        for place, own in enumerate(self):
            if own in self._of_flow:
                continue
            if own.name == option.name or set(own.opts) & set(option.opts):
                self[place] = _renamed(own)
        super().insert(index, option)


def _renamed(own: click.Parameter) -> click.Parameter:
    """A copy of an option of ours that leaves its name to a parameter."""
    if not isinstance(own, click.Option):
        return own
    other = copy.copy(own)
    long_name = max(own.opts, key=len).lstrip("-").removeprefix(PREFIX)
    other.opts = [f"--{PREFIX}{long_name}"]
    other.secondary_opts = []
    other.name = "dagster_" + str(own.name).removeprefix("dagster_")
    return other


def own_value(values: dict[str, Any], name: str) -> Any:
    """The value of an option of ours, whatever name it had to take."""
    return values[f"dagster_{name}"] if f"dagster_{name}" in values else values[name]


def given_parameters(flow: Flow, values: dict[str, Any]) -> dict[str, Any]:
    """The flow parameters that were given, by Metaflow's names, as plain data."""
    given: dict[str, Any] = {}
    for _, parameter in parameters_of(flow):
        # click spells its destinations so.
        value: Any = values.get(parameter.name.replace("-", "_").lower())
        if value is None or value == ():
            continue
        if isinstance(value, parameters.DelayedEvaluationParameter):
            # IncludeFile: uploads the file and gives its descriptor.
            upload: Callable[..., str] = value
            value = upload(return_str=True)
        elif isinstance(parameter.kwargs.get("type"), parameters.JSONTypeClass):
            value = json.dumps(value) if isinstance(value, str) else value
        elif is_tuple(value):
            value = [as_list(entry) for entry in value]
        given[parameter.name] = value
    return given


def as_list(value: Any) -> Any:
    """A tuple as a list, as JSON has it; any other value as it is."""
    return list(value) if is_tuple(value) else value


def is_tuple(value: object) -> TypeGuard[tuple[Any, ...]]:
    """Whether a value is a tuple, of whatever there is in it."""
    return isinstance(value, tuple)
