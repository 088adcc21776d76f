"""Source text of what starts runs: the calls that sensors make."""

from __future__ import annotations

from ..contract import tags
from ..graph import MISSING
from ..plan.job import JobPlan
from ..plan.triggers import EventTriggerPlan, FinishTriggerPlan, ResetPlan
from .literals import call, literal


def sensor_call(plan: JobPlan, trigger: EventTriggerPlan | FinishTriggerPlan) -> str:
    """The call of the helper that does a trigger's work, for the line of a ``return``."""
    if isinstance(trigger, FinishTriggerPlan):
        args = ["FLOW", "context", literal(list(trigger.flows))]
        return call("_on_finish", args, _reset(trigger.reset))
    events = {event.name: dict(event.parameters) for event in trigger.events}
    used = {parameter for mapping in events.values() for parameter in mapping}
    known = [parameter for parameter in plan.parameters if parameter.name in used]
    required = [parameter.name for parameter in known if parameter.default is MISSING]
    keys = {p.name: p.key for p in known if p.key != p.name}
    options: dict[str, str] = {}
    if required:
        options["required"] = literal(required)
    if keys:
        options["keys"] = literal(keys)
    args = ["FLOW", "context", literal(plan.ops[0].key), literal(events)]
    return call("_on_events", args, {**options, **_reset(trigger.reset)})


def exit_hooks_call(plan: JobPlan) -> str:
    """The call that finds runs of the job, known by its name and the flow's tags."""
    known_by = (tags.FLOW, tags.PROJECT, tags.BRANCH)
    of_job = {name: plan.job_tags[name] for name in known_by if name in plan.job_tags}
    args = ["FLOW", "context", literal(plan.job_name), literal(of_job)]
    return call("_missed_exit_hooks", args, {})


def sensor_summary(trigger: EventTriggerPlan | FinishTriggerPlan) -> str:
    """What a sensor does, for its docstring."""
    if isinstance(trigger, FinishTriggerPlan):
        flows = " and ".join(trigger.flows)
        return f"A run after each success of {flows}."
    events = " and ".join(event.name for event in trigger.events)
    return f"A run on each event {events}."


def _reset(reset: ResetPlan | None) -> dict[str, str]:
    return {} if reset is None else {"reset": literal((reset.cron, reset.timezone or "UTC"))}
