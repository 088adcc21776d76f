"""Source text of what starts runs: the calls that sensors make."""

from __future__ import annotations

from ..graph import MISSING
from ..plan.job import JobPlan
from ..plan.triggers import EventTriggerPlan, FinishTriggerPlan, ResetPlan
from .literals import literal

_WIDTH = 88


def sensor_call(plan: JobPlan, trigger: EventTriggerPlan | FinishTriggerPlan) -> str:
    """The call of the helper that does a trigger's work, for the line of a ``return``."""
    if isinstance(trigger, FinishTriggerPlan):
        args = {"": [literal(list(trigger.flows), 8)], **_reset(trigger.reset)}
        return _call("_on_finish", args)
    events = {event.name: dict(event.parameters) for event in trigger.events}
    used = {parameter for mapping in events.values() for parameter in mapping}
    known = [parameter for parameter in plan.parameters if parameter.name in used]
    required = [parameter.name for parameter in known if parameter.default is MISSING]
    keys = {p.name: p.key for p in known if p.key != p.name}
    options = {}
    if required:
        options["required"] = [literal(required, 8)]
    if keys:
        options["keys"] = [literal(keys, 8)]
    positional = [literal(plan.ops[0].key), literal(events, 8)]
    positional.append("PARAMETER_KINDS" if plan.parameters else "{}")
    return _call("_on_events", {"": positional, **options, **_reset(trigger.reset)})


def exit_hooks_call(plan: JobPlan) -> str:
    """The call that finds runs of the job, known by its name and the flow's tags."""
    known_by = ("metaflow/flow", "metaflow/project", "metaflow/branch")
    tags = {name: plan.job_tags[name] for name in known_by if name in plan.job_tags}
    return _call("_missed_exit_hooks", {"": [literal(plan.job_name), literal(tags, 8)]})


def names_text(names: list[str], option: str) -> str:
    """A list of variables, as an option of ``Definitions``."""
    line = f"[{', '.join(names)}]"
    if len(line) + len(f"    {option}=,") <= _WIDTH:
        return line
    return "[\n" + "".join(f"        {name},\n" for name in names) + "    ]"


def def_line(name: str, parameter: str, returns: str) -> str:
    """The head of a function of at most one parameter."""
    line = f"def {name}({parameter}) -> {returns}:"
    if len(line) <= _WIDTH:
        return line
    return f"def {name}(\n    {parameter},\n) -> {returns}:" if parameter else line


def sensor_summary(trigger: EventTriggerPlan | FinishTriggerPlan) -> str:
    """What a sensor does, for its docstring."""
    if isinstance(trigger, FinishTriggerPlan):
        flows = " and ".join(trigger.flows)
        return f"A run after each success of {flows}."
    events = " and ".join(event.name for event in trigger.events)
    return f"A run on each event {events}."


def _reset(reset: ResetPlan | None) -> dict[str, list[str]]:
    if reset is None:
        return {}
    return {"reset": [literal((reset.cron, reset.timezone or "UTC"), 8)]}


def _call(function: str, args: dict[str, list[str]]) -> str:
    """``function(context, ...)`` on one line if it fits there, else an argument a line."""
    texts = ["context"]
    for name, values in args.items():
        texts += [f"{name}={value}" if name else value for value in values]
    line = f"{function}({', '.join(texts)})"
    if len(line) + len("    return ") <= _WIDTH and "\n" not in line:
        return line
    return f"{function}(\n" + "".join(f"        {text},\n" for text in texts) + "    )"
