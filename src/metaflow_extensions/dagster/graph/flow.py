"""A flow as plain frozen data: all that the plan needs to know of it besides its shape."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .model import FlowShape
from .parameter_kind import ParameterKind


@dataclass(frozen=True)
class ProjectView:
    """What ``@project`` makes of a flow."""

    name: str
    branch: str
    flow_name: str
    """``project.branch.Flow``."""


@dataclass(frozen=True)
class ParameterView:
    """A parameter that a run can set; its deploy-time default has been computed."""

    name: str
    """As on the command line, such as ``max-n``."""
    kind: ParameterKind
    default: Any
    """Plain data of its kind, as click converts it; None where there is none, or where it is an
    object that Metaflow has to apply itself."""
    is_required: bool
    """There is no default, and a run cannot do without."""
    help: str | None
    note: str | None
    """What a reader has to know beside the help text."""


@dataclass(frozen=True)
class DecoratorView:
    """A decorator of a step."""

    name: str
    attributes: Mapping[str, Any]
    """Only of decorators that hold no secrets (see ``read_flow``), else empty."""
    spec: str
    """As for the option ``--with``; the name alone where the attributes may be secret."""
    is_static: bool
    """It is in the flow's source."""
    retries: tuple[int | None, int | None]
    """Attempts more that it wants: of the user's code, and of its own (``@catch``)."""
    acts_at_launch: bool
    """It changes how the task is launched (``runtime_step_cli``)."""
    has_own_container: bool
    """It runs the task in a container of its own, as ``@kubernetes`` does."""
    timeout: float | None
    """Seconds that an attempt may take."""


@dataclass(frozen=True)
class StepView:
    """A step's decorators, in the order in which Metaflow calls them."""

    decorators: tuple[DecoratorView, ...]
    added: tuple[str, ...]
    """Specs of those that every process has to add again, as native's ``CLIArgs`` has them."""
    environment_id: str | None = None
    """Of the environment that ``@conda`` or ``@pypi`` gives the step."""


@dataclass(frozen=True)
class ScheduleView:
    """``@schedule``."""

    cron: str
    timezone: str | None


@dataclass(frozen=True)
class TriggerView:
    """``@trigger`` or ``@trigger_on_finish``, with what its deploy-time functions have given."""

    decorator: str
    """Its name."""
    sources: tuple[Mapping[str, Any], ...]
    """The events or flows, in the decorator's own form."""
    options: Mapping[str, Any]


@dataclass(frozen=True)
class ExitHookView:
    """``@exit_hook``: names of functions."""

    on_success: tuple[str, ...]
    on_error: tuple[str, ...]


@dataclass(frozen=True)
class FlowView:
    """A flow, read once from Metaflow."""

    name: str
    shape: FlowShape
    project: ProjectView | None
    parameters: tuple[ParameterView, ...]
    """In Metaflow's order; configs are not parameters."""
    configs: Mapping[str, Any]
    """Values of configs in the form in which steps get them (``dump_config_values``)."""
    steps: Mapping[str, StepView]
    schedule: ScheduleView | None
    triggers: tuple[TriggerView, ...]
    """Those of ``@trigger`` first."""
    exit_hooks: tuple[ExitHookView, ...]
    line: int
    """Where its class begins in its file."""
    imports: frozenset[str]
    """Modules that its file imports anywhere, such as ``pandas``."""

    @property
    def full_name(self) -> str:
        """Metaflow's ``project_flow_name`` in a project, else the flow's name."""
        return self.project.flow_name if self.project else self.name

    @property
    def required(self) -> tuple[str, ...]:
        """Names of the parameters that a run must be given."""
        return tuple(parameter.name for parameter in self.parameters if parameter.is_required)
