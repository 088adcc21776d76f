"""How one flow of a folder is compiled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, cast

import metaflow as metaflow  # before its extension, which it loads itself

from metaflow_extensions.dagster.cli.create_command import create
from metaflow_extensions.dagster.cli.flow_options import is_tuple
from metaflow_extensions.dagster.errors import DagsterDeployError
from metaflow_extensions.dagster.plan.options import CreateOptions


@dataclass(frozen=True)
class FlowOptions(CreateOptions):
    """Options of ``dagster create`` for a flow that ``load_flows`` compiles.

    They are called as in ``Deployer(...).dagster().create()``; see docs/reference/options.md.
    """

    flow_args: tuple[str, ...] = ()
    """Options of the flow itself, which go before ``dagster``: ``("--production",)``."""
    authorize: str | None = None
    """The production token of the deployment, where somebody else has made it."""

    def __new__(cls, *args: Any, **values: Any) -> FlowOptions:
        """Note which options are given: also one at its default goes over another's."""
        self = super().__new__(cls)
        positional = [field.name for field in fields(cls)][: len(args)]
        vars(self)["_given"] = {*positional, *values}
        return self

    def __post_init__(self) -> None:
        for field in fields(self):
            value: Any = getattr(self, field.name)
            if isinstance(value, list):  # as in a literal of one's own
                object.__setattr__(self, field.name, tuple(cast("list[str]", value)))

    @classmethod
    def of(cls, values: FlowOptions | Mapping[str, Any] | None) -> FlowOptions:
        """The options that are meant by an object, or by their names.

        Raises:
            DagsterDeployError: there is no option of such a name.
        """
        if isinstance(values, FlowOptions):
            return values
        values = values or {}
        known = [field.name for field in fields(cls)]
        unknown = [str(name) for name in values if name not in known]
        if unknown:
            raise DagsterDeployError(
                f"A flow has no option *{', '.join(unknown)}*. The options are: {', '.join(known)}."
            )
        return cls.from_values(values)

    def over(self, others: FlowOptions) -> FlowOptions:
        """These options, and those of others where these were not given."""
        given: set[str] = vars(self)["_given"]
        return replace(others, **{name: getattr(self, name) for name in given})

    def create_args(self) -> list[str]:
        """The arguments of ``dagster create`` that say the same."""
        args: list[str] = []
        default = FlowOptions()
        options = {option.name: option for option in create.params}
        for field in fields(self):
            value: Any = getattr(self, field.name)
            if field.name == "flow_args" or value == getattr(default, field.name):
                continue
            option = options[field.name]
            flag = max(option.opts, key=len)
            if isinstance(value, bool):
                args.append(flag if value else option.secondary_opts[0])
            elif is_tuple(value):
                args += [f"{flag}={entry}" for entry in value]
            else:
                args.append(f"{flag}={value}")
        return args
