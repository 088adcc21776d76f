"""Source text of ops: their decorators, what they call, and what they hand on."""

from __future__ import annotations

from ..contract import tags
from ..plan.job import JobPlan
from ..plan.model import HelperOp, OpInput, OpOutput, OpPlan
from .literals import call, literal

RETURNS = {
    OpOutput.NONE: ("None", "_record_success"),
    OpOutput.TASK: ("str", "return _hand_on"),
    OpOutput.FOREACH: ("Iterator[Any]", "yield from _split_outputs"),
    OpOutput.FOREACH_DEFERRED: ("dict[str, Any]", "return _splits"),
    OpOutput.SWITCH: ("Iterator[Any]", "yield _chosen"),
    OpOutput.GANG: ("list[str]", "return _gang"),
}
"""What an op returns, by what it hands on, and the helper that hands it on."""
TYPES = {"str": "str", "list": "list[Any]", "dict": "dict[str, Any]"}
"""The annotation of an op's input."""


def op_decorator(plan: JobPlan, op: OpPlan) -> str:
    """The decorator of a step's op."""
    options = {"name": literal(op.op_name)}
    if op.output_kind is OpOutput.SWITCH:
        if plan.is_thin:
            options["out"] = call("FLOW.choices", [literal(c.output) for c in op.choices])
        else:
            outs = (f"{literal(c.output)}: Out(str, is_required=False)" for c in op.choices)
            options["out"] = "{" + ", ".join(outs) + "}"
    elif op.output_kind is OpOutput.FOREACH:
        options["out"] = "DynamicOut(str)"
    if op.tags:
        options["tags"] = literal(dict(op.tags))
    if op.pool:
        options["pool"] = literal(op.pool)
    return "@" + call("op", (), options)


def helper_decorator(plan: JobPlan, kind: HelperOp, name: str) -> str:
    """The decorator of an op that runs no task."""
    out = {"out": "DynamicOut()"} if kind.is_dynamic else {}
    of_op = {**dict(plan.engine.helper_tags), tags.HELPER: kind.value}
    return "@" + call("op", (), {"name": literal(name), **out, "tags": literal(of_op)})


def op_call(op: OpPlan, function: str = "") -> str:
    """The call that runs an op's step, with what differs from the helper's defaults."""
    name = op.inputs[0].name if op.inputs else "params_path"
    source = {
        OpInput.RUN_START: "params_path",
        OpInput.TASK: name,
        OpInput.LIST: name,
        OpInput.FIRST_OF: f"{name}[0]",
        OpInput.BRANCHES: "[" + ", ".join(i.name for i in op.inputs) + "]",
    }[op.input_kind]
    options: dict[str, str] = {}
    if op.gang:
        options["num_parallel"] = f'{source}["splits"]'
        source = f'{source}["task"]'
    if op.split_item:
        options["split_item"] = "True"
    for option, value in (
        ("max_user_code_retries", op.retry.user),
        ("max_error_retries", op.retry.error),
        ("retry_delay", op.retry.delay),
        ("timeout", op.timeout),
        ("needs_launch", op.needs_launch),
    ):
        if value:
            options[option] = literal(value)
    function = function or ("_run_loop" if op.loop else "_run_task")
    return call(function, ["FLOW", "context", literal(op.step), source], options)


def handing_on(op: OpPlan, task: str = "") -> str:
    """The last statement of an op; where no task is named, it runs the step as well."""
    if not task and op.output_kind is OpOutput.TASK and not op.loop:
        return f"return {op_call(op, '_run_step')}"
    args = ["FLOW", "context", task or op_call(op)]
    if op.output_kind is OpOutput.NONE:
        args.append("FLOW_ASSET")
    return call(RETURNS[op.output_kind][1], args)
