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
    """The call that finds runs of the job, known by its name and the flow's."""
    known_by = (tags.PROJECT, tags.BRANCH, tags.FLOW)
    name = ".".join(plan.job_tags[part] for part in known_by if part in plan.job_tags)
    args = ["FLOW", "context", literal(plan.job_name), literal(name)]
    return call("_missed_exit_hooks", args, {})


def sensor_summary(plan: JobPlan, trigger: EventTriggerPlan | FinishTriggerPlan) -> str:
    """What a sensor does, for its description."""
    if isinstance(trigger, FinishTriggerPlan):
        names = list(trigger.flows)
        when = "after each success of" if len(names) == 1 else "whenever there is a new success of"
    else:
        names = [event.name for event in trigger.events]
        when = "on each event" if len(names) == 1 else "whenever there is a new event of each of"
    text = f"A run of {plan.flow_name} {when} {' and '.join(names)}."
    if trigger.reset:
        cron, zone = trigger.reset.cron, trigger.reset.timezone or "UTC"
        text += f" What has come before a time of `{cron}` ({zone}) is forgotten then."
    return text


def schedule_summary(plan: JobPlan) -> str:
    """What the schedule does, for its description."""
    partitions, time = plan.partitions, plan.scheduled_time
    which = "at each time of its @schedule"
    if partitions:
        one = "each partition" if partitions.is_static else "the partition that has ended last"
        which = f"for {one}, whose key is the parameter {partitions.parameter}"
    told = f" The parameter {time} is the time of the tick." if time else ""
    return f"A run of {plan.flow_name} {which}.{told}"


def _reset(reset: ResetPlan | None) -> dict[str, str]:
    return {} if reset is None else {"reset": literal((reset.cron, reset.timezone or "UTC"))}
