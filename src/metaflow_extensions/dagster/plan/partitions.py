"""``--partition`` and ``--scheduled-time``: parameters that Dagster's partitions and ticks set."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from ..contract.parameter_values import config_value
from ..errors import DagsterDeployError, verbatim
from ..graph import FlowView, ParameterView
from .cron import five_field_cron

_DAY, _MINUTE = "%Y-%m-%d", "%Y-%m-%d-%H:%M"
# As Dagster's own definitions have them (dagster/_core/definitions/partitions/definition).
_CLASSES = {
    "hourly": ("HourlyPartitionsDefinition", _MINUTE),
    "daily": ("DailyPartitionsDefinition", _DAY),
    "weekly": ("WeeklyPartitionsDefinition", _DAY),
    "monthly": ("MonthlyPartitionsDefinition", _DAY),
    "cron": ("TimeWindowPartitionsDefinition", _MINUTE),
}
_FORMS = (
    "daily:2026-01-01, or hourly, weekly or monthly in its place; cron:2026-01-01:0 6 * * *; "
    "or keys:eu,us"
)


@dataclass(frozen=True)
class PartitionsPlan:
    """The partitions of a job: each key sets a parameter."""

    parameter: str
    kind: str
    """``hourly``, ``daily``, ``weekly``, ``monthly``, ``cron`` or ``keys``."""
    start: str = ""
    """The first partition's time, in the form of the keys."""
    cron: str | None = None
    timezone: str | None = None
    keys: tuple[str, ...] = ()

    @property
    def is_static(self) -> bool:
        """There is a list of keys, and no time in them."""
        return self.kind == "keys"

    @property
    def class_name(self) -> str:
        """Dagster's class."""
        return "StaticPartitionsDefinition" if self.is_static else _CLASSES[self.kind][0]

    @property
    def format(self) -> str:
        """Of a time as a key (``strftime``)."""
        return _CLASSES[self.kind][1]


def plan_partitions(
    view: FlowView, option: str | None, timezone: str | None
) -> PartitionsPlan | None:
    """Plan the partitions that ``--partition PARAMETER=SPEC`` asks for.

    Args:
        view: The flow.
        option: The option's value, if it is given.
        timezone: That of the flow's schedule, in which partitions begin.

    Raises:
        DagsterDeployError: the parameter cannot be set so, or the spec is none.
    """
    if option is None:
        return None
    name, equals, spec = option.partition("=")
    kind, colon, rest = spec.partition(":")
    if not equals or not colon or kind not in (*_CLASSES, "keys"):
        raise DagsterDeployError(
            f"--partition {verbatim(option)}: write PARAMETER=SPEC, where SPEC is such as "
            f"{verbatim(_FORMS)}."
        )
    parameter = _parameter(view, name, "--partition")
    if kind == "keys":
        return PartitionsPlan(name, kind, keys=_keys(parameter, rest.split(",")))
    _check_takes_text(parameter, f"--partition makes {kind} keys, such as 2026-01-01")
    cron = None
    if kind == "cron":
        # A time of day in the start has a colon too; what follows it is the expression.
        found = re.fullmatch(r"(\d{4}-\d\d-\d\d(?:-\d\d:\d\d)?):(.+)", rest)
        if not found:
            raise DagsterDeployError(
                f"--partition {verbatim(option)}: a cron has a start and an expression, such as "
                f"{verbatim('cron:2026-01-01:0 6 * * *')}."
            )
        rest, cron = found[1], five_field_cron(found[2], "--partition")
    return PartitionsPlan(name, kind, _start(rest, _CLASSES[kind][1]), cron, timezone)


def plan_scheduled_time(
    view: FlowView, name: str | None, partitions: PartitionsPlan | None
) -> str | None:
    """The parameter that a schedule sets to the time of its tick.

    Raises:
        DagsterDeployError: it cannot be set so, or no schedule could.
    """
    if name is None:
        return None
    parameter = _parameter(view, name, "--scheduled-time")
    _check_takes_text(parameter, "--scheduled-time sets a time, such as 2026-01-01T06:00:00+01:00")
    if view.schedule is None:
        raise DagsterDeployError(
            f"--scheduled-time {name}: the flow has no schedule that could set it. Give it "
            "*@schedule*, or leave the option out."
        )
    if partitions is not None and partitions.parameter == name:
        raise DagsterDeployError(
            f"--scheduled-time and --partition both set the parameter *{name}*. Give it to one."
        )
    return name


def _parameter(view: FlowView, name: str, option: str) -> ParameterView:
    for parameter in view.parameters:
        if parameter.name == name:
            return parameter
    known = ", ".join(parameter.name for parameter in view.parameters) or "none"
    raise DagsterDeployError(
        f"{option}: the flow has no parameter {verbatim(repr(name))}. Its parameters: {known}."
    )


def _check_takes_text(parameter: ParameterView, reason: str) -> None:
    if str(parameter.kind) != "str":
        raise DagsterDeployError(
            f"The parameter *{parameter.name}* takes no text, and {reason}. Give it type=str."
        )


def _keys(parameter: ParameterView, keys: Sequence[str]) -> tuple[str, ...]:
    keys = [key.strip() for key in keys]
    for key in keys:
        # StaticPartitionsDefinition refuses these, and an empty key says nothing.
        if not key or "..." in key or keys.count(key) > 1 or not key.isprintable():
            raise DagsterDeployError(
                f"--partition {parameter.name}: {key!r} is empty, twice in the list, or holds "
                "characters that partition keys may not have. Write different keys, such as "
                "keys:eu,us."
            )
        try:
            if str(parameter.kind) not in ("str", "int", "float", "bool"):
                raise TypeError(f"it is of the kind {parameter.kind}")
            config_value(str(parameter.kind), key)
        except (TypeError, ValueError) as error:
            raise DagsterDeployError(
                f"--partition: {key!r} cannot be the value of *{parameter.name}*: {error}."
            ) from error
    return tuple(keys)


def _start(text: str, form: str) -> str:
    """A day or, for finer partitions, a minute, in the form of the keys."""
    for accepted in dict.fromkeys((form, _DAY)):
        try:
            return datetime.strptime(text, accepted).strftime(form)
        except ValueError:
            continue
    example = datetime(2026, 1, 1).strftime(form)
    raise DagsterDeployError(
        f"--partition: {verbatim(repr(text))} is not a time at which partitions can begin. "
        f"Write it as {example}."
    )
