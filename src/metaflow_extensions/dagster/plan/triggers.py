"""``@trigger`` and ``@trigger_on_finish``: what starts a flow besides people and the clock.

Both decorators keep what they were given in ``triggers`` and ``options``
(metaflow/plugins/events_decorator.py).
What is legal follows Argo Workflows (``_process_triggers`` in
metaflow/plugins/argo/argo_workflows.py), except that a flow may have both decorators here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from ..errors import DagsterDeployError, Problems, verbatim
from ..graph import FlowView, ProjectView, TriggerView
from .cron import five_field_cron
from .schedule import check_timezone

EVENT_FOLDER = ("metaflow", "events")
"""What the keys of events' assets begin with (``_EVENT_KEY`` in runtime/events.py)."""


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

    @property
    def asset_keys(self) -> list[tuple[str, ...]]:
        """Keys of the events' assets."""
        return [(*EVENT_FOLDER, event.name) for event in self.events]


@dataclass(frozen=True)
class UpstreamPlan:
    """A flow whose success counts, in a branch of a project or in none."""

    flow: str
    project: str | None
    branch: str | None
    chosen_key: tuple[str, ...] | None = None
    """Key of its asset, where it is not the default one."""

    @property
    def asset_key(self) -> tuple[str, ...]:
        """Key of its asset."""
        default = tuple(part for part in (self.project, self.branch, self.flow) if part)
        return self.chosen_key or default

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
    def asset_keys(self) -> list[tuple[str, ...]]:
        """Keys of the flows' assets."""
        return [upstream.asset_key for upstream in self.upstreams]

    @property
    def flows(self) -> tuple[str, ...]:
        """Full names of the flows."""
        return tuple(upstream.fq_name for upstream in self.upstreams)


def plan_triggers(
    view: FlowView, upstream_assets: Sequence[str] = ()
) -> tuple[EventTriggerPlan | FinishTriggerPlan, ...]:
    """Plan what a flow reacts to.

    Args:
        view: The flow.
        upstream_assets: ``FLOW=KEY`` for flows of ``@trigger_on_finish`` whose assets have other
            keys than the default one.

    Raises:
        DagsterDeployError: A name, mapping or option is not valid; or a parameter that a run must
            be given is not given by any event.
    """
    problems = Problems()
    kinds = {"trigger": _event_trigger, "trigger_on_finish": _finish_trigger}
    plans = [problems.attempt(kinds[each.decorator], view, each) for each in view.triggers]
    problems.raise_all()
    planned = tuple(plan for plan in plans if plan is not None)
    for text in upstream_assets:
        planned = problems.attempt(_with_key, planned, text) or planned
    problems.raise_all()
    return planned


def _with_key(
    plans: tuple[EventTriggerPlan | FinishTriggerPlan, ...], text: str
) -> tuple[EventTriggerPlan | FinishTriggerPlan, ...]:
    """The plans, with the key of an upstream flow's asset as ``FLOW=KEY`` says."""
    name, equals, key = text.partition("=")
    parts = asset_key(key, "--upstream-asset") if equals else ()
    flows = [up for plan in plans if isinstance(plan, FinishTriggerPlan) for up in plan.upstreams]
    if not parts or not any(name in (up.flow, up.fq_name) for up in flows):
        known = ", ".join(upstream.fq_name for upstream in flows) or "none"
        raise DagsterDeployError(
            f"--upstream-asset {text}: write FLOW=KEY, such as TrainFlow=ml/churn, with a flow of "
            f"*@trigger_on_finish*. Its flows: {known}."
        )

    def keyed(upstream: UpstreamPlan) -> UpstreamPlan:
        is_named = name in (upstream.flow, upstream.fq_name)
        return replace(upstream, chosen_key=parts) if is_named else upstream

    return tuple(
        replace(plan, upstreams=tuple(map(keyed, plan.upstreams)))
        if isinstance(plan, FinishTriggerPlan)
        else plan
        for plan in plans
    )


def asset_key(text: str, option: str) -> tuple[str, ...]:
    """``a/b/c``, as Dagster writes keys of assets.

    Raises:
        DagsterDeployError: it is no key; ``option`` is where it was given.
    """
    parts = tuple(text.split("/"))
    if not all(part.strip() for part in parts) or re.search(r'[%*"\s]', text):
        raise DagsterDeployError(
            f"{option}: {verbatim(text)} is not a key of an asset. Write names with slashes "
            "between them, such as models/churn."
        )
    return parts


def _event_trigger(view: FlowView, trigger: TriggerView) -> EventTriggerPlan:
    # Metaflow's parameters ignore case; configs cannot be set by events.
    names = {parameter.name.lower(): parameter.name for parameter in view.parameters}
    problems = Problems()
    found = [problems.attempt(_event, source, names) for source in trigger.sources]
    events = [event for event in found if event is not None]
    mapped: dict[str, str] = {}
    for event in events:
        for parameter, _ in event.parameters:
            if parameter in mapped:
                problems.add(
                    f"*@trigger* maps events *{mapped[parameter]}* and *{event.name}* to the same "
                    f"parameter *{parameter}*. Map it once."
                )
            mapped[parameter] = event.name
    problems.attempt(_check_distinct, [event.name for event in events], "@trigger")
    if len(events) == 1 and not mapped:
        every = tuple((name, name) for name in names.values())
        events = [EventPlan(events[0].name, every, by_name=True)]
    for name in view.required if len(events) == len(found) else ():
        if name not in mapped:
            problems.add(
                f"Parameter *{name}* is required and has no default, but *@trigger* starts runs "
                "without anybody to ask. Give it a default, or map it to a field of an event: "
                f'parameters={{"{name}": "<field>"}}.'
            )
    reset = problems.attempt(_reset, trigger)
    problems.raise_all()
    return EventTriggerPlan(tuple(events), reset)


def _event(source: Mapping[str, Any], names: dict[str, str]) -> EventPlan:
    event = check_event_name(source["name"], "*@trigger*")
    return EventPlan(event, _parameters(event, source.get("parameters") or {}, names), False)


def check_event_name(name: Any, source: str) -> str:
    """``name``, if an event may be called so.

    Raises:
        DagsterDeployError: it may not.
    """
    if not isinstance(name, str) or not re.fullmatch(r"[A-Za-z0-9_.-]+", name):
        raise DagsterDeployError(
            f"*{name}* of {source} is not a valid event name. Use letters, digits, underscores, "
            "dashes and dots."
        )
    return name


def _parameters(event: str, mapping: Any, names: dict[str, str]) -> tuple[tuple[str, str], ...]:
    """(parameter, payload field) pairs, parameters with the flow's own spelling."""
    if not isinstance(mapping, Mapping):
        raise DagsterDeployError(
            f"The parameters of event *{event}* in *@trigger* must be a mapping. Write "
            '{"flow_parameter": "event_field"}.'
        )
    pairs: list[tuple[str, str]] = []
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


def _finish_trigger(view: FlowView, trigger: TriggerView) -> FinishTriggerPlan:
    problems = Problems()
    found = [problems.attempt(_upstream, source, view.project) for source in trigger.sources]
    upstreams = tuple(upstream for upstream in found if upstream is not None)
    names = [upstream.fq_name for upstream in upstreams]
    problems.attempt(_check_distinct, names, "@trigger_on_finish")
    for name in view.required:
        problems.add(
            f"Parameter *{name}* is required and has no default, but *@trigger_on_finish* "
            "starts runs without anybody to ask. Give it a default, or remove "
            "*@trigger_on_finish*."
        )
    reset = problems.attempt(_reset, trigger)
    problems.raise_all()
    return FinishTriggerPlan(upstreams, reset)


def _upstream(source: Mapping[str, str], own: ProjectView | None) -> UpstreamPlan:
    """What the trigger leaves open is of this flow's own project and branch."""
    project = source.get("project") or (own.name if own else None)
    branch = source.get("branch") or (own.branch if own else None)
    if bool(project) != bool(branch):
        given, missing = ("project", "project_branch") if project else ("project_branch", "project")
        raise DagsterDeployError(
            f"*@trigger_on_finish* names the {given} of flow *{source['flow']}* and no {missing}. "
            "Give both, or use @project on this flow too."
        )
    return UpstreamPlan(source["flow"], project, branch)


def _check_distinct(names: list[str], source: str) -> None:
    """Metaflow checks static names only; a trigger on one thing twice would never fire."""
    for name in names:
        if names.count(name) > 1:
            raise DagsterDeployError(f"*{source}* names *{name}* twice. Name it once.")


def _reset(trigger: TriggerView) -> ResetPlan | None:
    """``options={"reset_at": {"cron": ..., "timezone": ...}}``, the one option that Metaflow has.

    Options for other schedulers are left alone, as those leave ours.
    """
    reset = trigger.options.get("reset_at")
    if not reset:
        return None
    source = f"@{trigger.decorator} (reset_at)"
    if not isinstance(reset, Mapping) or not reset.get("cron"):
        raise DagsterDeployError(
            f'*{source}* has no cron expression. Write {{"reset_at": {{"cron": "@daily"}}}}.'
        )
    return ResetPlan(
        five_field_cron(reset["cron"], source), check_timezone(reset.get("timezone"), source)
    )
