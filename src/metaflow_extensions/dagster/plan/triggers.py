"""``@trigger`` and ``@trigger_on_finish``: what starts a flow besides people and the clock.

Both decorators keep what they were given in ``triggers`` and ``options``; what deploy-time
functions say is filled in by ``format_deploytime_value`` (metaflow/plugins/events_decorator.py).
What is legal follows Argo Workflows (``_process_triggers`` in
metaflow/plugins/argo/argo_workflows.py), except that a flow may have both decorators here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from metaflow.exception import MetaflowException
from metaflow.metaflow_current import current

from .._metaflow_internals import flow_decorators_of, parameters_of
from ..errors import DagsterDeployError
from .cron import five_field_cron
from .parameters import required_parameters
from .schedule import check_timezone


@dataclass(frozen=True)
class ResetPlan:
    """When a trigger on several things forgets those that it has seen."""

    cron: str
    """Five fields."""
    timezone: str | None
    """IANA name; None is UTC."""


@dataclass(frozen=True)
class EventPlan:
    """One event that a flow waits for."""

    name: str
    parameters: tuple[tuple[str, str], ...]
    """(flow parameter, field of the event's payload); a field that is absent leaves the
    parameter at its default."""
    by_name: bool
    """The flow maps nothing, so every parameter takes the field of its own name."""


@dataclass(frozen=True)
class EventTriggerPlan:
    """``@trigger``: a run when all events have arrived."""

    events: tuple[EventPlan, ...]
    reset: ResetPlan | None
    kind: Literal["event"] = "event"


@dataclass(frozen=True)
class UpstreamPlan:
    """A flow whose success counts, in a branch of a project or in none."""

    flow: str
    project: str | None
    branch: str | None

    @property
    def fq_name(self) -> str:
        """``project.branch.flow``, as Metaflow's ``project_flow_name``, or the flow's name."""
        return ".".join(part for part in (self.project, self.branch, self.flow) if part)


@dataclass(frozen=True)
class FinishTriggerPlan:
    """``@trigger_on_finish``: a run when all flows have succeeded."""

    upstreams: tuple[UpstreamPlan, ...]
    reset: ResetPlan | None
    kind: Literal["finish"] = "finish"

    @property
    def flows(self) -> tuple[str, ...]:
        """Full names of the flows."""
        return tuple(upstream.fq_name for upstream in self.upstreams)


def plan_triggers(flow: Any) -> tuple[EventTriggerPlan | FinishTriggerPlan, ...]:
    """Plan what ``flow`` reacts to; its flow decorators are initialised.

    Deploy-time functions are called, each once.

    Raises:
        DagsterDeployError: A deploy-time function fails; a name, mapping or option is not valid;
            or a parameter that a run must be given is not given by any event.
    """
    plans: list[EventTriggerPlan | FinishTriggerPlan] = []
    for decorator in flow_decorators_of(flow, "trigger"):
        plans.append(_event_trigger(flow, decorator))
    for decorator in flow_decorators_of(flow, "trigger_on_finish"):
        plans.append(_finish_trigger(flow, decorator))
    return tuple(plans)


def _event_trigger(flow: Any, decorator: Any) -> EventTriggerPlan:
    _evaluate(decorator)
    # Metaflow's parameters ignore case; configs cannot be set by events.
    names = {parameter.name.lower(): parameter.name for _, parameter in parameters_of(flow)}
    events: list[EventPlan] = []
    mapped: dict[str, str] = {}
    for trigger in decorator.triggers:
        event = _event_name(trigger["name"])
        parameters = _parameters(event, trigger.get("parameters") or {}, names)
        for parameter, _ in parameters:
            if parameter in mapped:
                raise DagsterDeployError(
                    f"*@trigger* maps events *{mapped[parameter]}* and *{event}* to the same "
                    f"parameter *{parameter}*. Map it once."
                )
            mapped[parameter] = event
        events.append(EventPlan(event, parameters, by_name=False))
    _check_distinct([event.name for event in events], "@trigger")
    if len(events) == 1 and not mapped:
        every = tuple((name, name) for name in names.values())
        events = [EventPlan(events[0].name, every, by_name=True)]
    for name in required_parameters(flow):
        if name not in mapped:
            raise DagsterDeployError(
                f"Parameter *{name}* is required and has no default, but *@trigger* starts runs "
                "without anybody to ask. Give it a default, or map it to a field of an event: "
                f'parameters={{"{name}": "<field>"}}.'
            )
    return EventTriggerPlan(tuple(events), _reset(decorator))


def _event_name(name: Any) -> str:
    if not isinstance(name, str) or not re.fullmatch(r"[A-Za-z0-9_.-]+", name):
        raise DagsterDeployError(
            f"*{name}* of *@trigger* is not a valid event name. Use letters, digits, underscores, "
            "dashes and dots."
        )
    return name


def _parameters(event: str, mapping: Any, names: dict[str, str]) -> tuple[tuple[str, str], ...]:
    """(parameter, payload field) pairs, parameters with the flow's own spelling."""
    if not isinstance(mapping, Mapping):
        raise DagsterDeployError(
            f"The parameters of event *{event}* in *@trigger* are no mapping. Write "
            '{"flow_parameter": "event_field"}.'
        )
    pairs = []
    for parameter, field in mapping.items():
        if parameter.lower() not in names:
            known = ", ".join(sorted(names.values())) or "none"
            raise DagsterDeployError(
                f"Event *{event}* in *@trigger* sets parameter *{parameter}*, which the flow does "
                f"not have. Its parameters: {known}."
            )
        if not field:
            raise DagsterDeployError(
                f"Event *{event}* in *@trigger* maps parameter *{parameter}* to an empty field. "
                "Name a field of the event's payload."
            )
        pairs.append((names[parameter.lower()], field))
    return tuple(pairs)


def _finish_trigger(flow: Any, decorator: Any) -> FinishTriggerPlan:
    _evaluate(decorator)
    upstreams = tuple(_upstream(trigger) for trigger in decorator.triggers)
    _check_distinct([upstream.fq_name for upstream in upstreams], "@trigger_on_finish")
    required = required_parameters(flow)
    if required:
        raise DagsterDeployError(
            f"Parameter *{required[0]}* is required and has no default, but *@trigger_on_finish* "
            "starts runs without anybody to ask. Give it a default, or remove "
            "*@trigger_on_finish*."
        )
    return FinishTriggerPlan(upstreams, _reset(decorator))


def _upstream(trigger: Mapping[str, str]) -> UpstreamPlan:
    """What the trigger leaves open is of this flow's own project and branch."""
    project = trigger.get("project") or current.get("project_name")
    branch = trigger.get("branch") or current.get("branch_name")
    if bool(project) != bool(branch):
        given, missing = ("project", "project_branch") if project else ("project_branch", "project")
        raise DagsterDeployError(
            f"*@trigger_on_finish* names the {given} of flow *{trigger['flow']}* and no {missing}. "
            "Give both, or use @project on this flow too."
        )
    return UpstreamPlan(trigger["flow"], project, branch)


def _evaluate(decorator: Any) -> None:
    try:
        decorator.format_deploytime_value()
    except MetaflowException as error:
        raise DagsterDeployError(f"*@{decorator.name}*: {error.message}") from error
    except (TypeError, AttributeError) as error:
        # What Metaflow's own checks run into when a function returns something of another type.
        raise DagsterDeployError(
            f"A deploy-time function of *@{decorator.name}* returned something that is no "
            "event or flow. Return a name, or what the decorator takes in its place."
        ) from error


def _check_distinct(names: list[str], source: str) -> None:
    """Metaflow checks static names only; a trigger on one thing twice would never fire."""
    for name in names:
        if names.count(name) > 1:
            raise DagsterDeployError(f"*{source}* names *{name}* twice. Name it once.")


def _reset(decorator: Any) -> ResetPlan | None:
    """``options={"reset_at": {"cron": ..., "timezone": ...}}``, the one option that Metaflow has.

    Options for other schedulers are left alone, as those leave ours.
    """
    reset = (decorator.options or {}).get("reset_at")
    if not reset:
        return None
    source = f"@{decorator.name} (reset_at)"
    if not isinstance(reset, Mapping) or not reset.get("cron"):
        raise DagsterDeployError(
            f'*{source}* has no cron expression. Write {{"reset_at": {{"cron": "@daily"}}}}.'
        )
    return ResetPlan(
        five_field_cron(reset["cron"], source), check_timezone(reset.get("timezone"), source)
    )
