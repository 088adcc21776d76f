"""Source text of the job: its decorator, its body, and the file's definitions."""

from __future__ import annotations

from collections.abc import Sequence

from ..contract import tags
from ..plan.job import JobPlan
from ..plan.model import Arg, Call, ForEach, Ref
from .assets import assets_text, checks_text, metadata_text
from .imports import KNOWN, Import
from .literals import call, literal
from .partitions import job_config_text

_EXECUTORS = {
    "auto": "_executor(FLOW)",
    "in_process": "in_process_executor",
    "multiprocess": "_multiprocess_executor(FLOW)",
}


def job_decorator(plan: JobPlan) -> str:
    """The decorator of the job. That of a thin file adds what is the same in every job."""
    options = {} if plan.is_thin else {"name": literal(plan.job_name)}
    if plan.description:
        options["description"] = literal(plan.description)
    shown = {k: v for k, v in plan.job_tags.items() if k != tags.FLOW or not plan.is_thin}
    if shown:
        options["tags"] = literal(shown)
    options["metadata"] = metadata_text(plan)
    if plan.assets.owners:
        options["owners"] = literal(list(plan.assets.owners))
    if plan.partitions:
        options["config"] = job_config_text(plan)
    executor = _executor(plan)
    if executor and plan.exit_hooks:
        executor = f"_with_exit_hooks(FLOW, {executor})"
    if plan.is_thin:
        if executor != _EXECUTORS["auto"]:
            options["executor_def"] = str(executor)
        return "@" + call("FLOW.job", (), options)
    options["resource_defs"] = '{"io_manager": _TaskPaths(FLOW)}'
    if executor:
        options["executor_def"] = executor
    return "@" + call("job", (), options)


def definitions_text(plan: JobPlan, job_names: Sequence[str]) -> str:
    """The call that hands everything to Dagster. A thin file leaves out what it has none of."""
    options = {"assets": assets_text(plan.assets)}
    if plan.assets.checks:
        options["asset_checks"] = checks_text(plan.assets)
    options["jobs"] = f"[{', '.join(job_names)}]"
    options["schedules"] = f"[{plan.schedule_name or ''}]"
    options["sensors"] = f"[{', '.join(plan.sensor_names)}]"
    if plan.is_thin:
        options = {name: text for name, text in options.items() if text != "[]"}
    return call("Definitions", (), options)


def _executor(plan: JobPlan) -> str | None:
    """The expression for the job's executor; None leaves it to the code location."""
    engine = plan.engine
    if engine.executor == "inherit":
        return None
    text = _EXECUTORS.get(engine.executor) or imported_executor(plan)[1]
    return text if engine.config is None else f"{text}.configured(EXECUTOR_CONFIG)"


def imported_executor(plan: JobPlan) -> tuple[Import, str]:
    """The import of an executor that is named by its module, and what it is called in the file."""
    module, name = plan.engine.executor.split(":")
    taken = {*KNOWN, "defs", plan.job_name, plan.config_class}
    taken |= {op.function for op in plan.ops} | {kind.value for kind in plan.graph.helper_ops}
    if name in taken:
        return Import(module, f"{name} as {name}_"), f"{name}_"
    return Import(module, name), name


def statement_text(statement: Call | ForEach) -> str:
    """A statement of the job's body."""
    if isinstance(statement, Call):
        return "    " + _call_text(statement)
    if len(statement.calls) == 1 and statement.returns == (Ref(statement.calls[0].variable),):
        call = statement.calls[0]
        target = f"{call.function}.alias({literal(call.key)})"
        return f"    {statement.variables[0]} = {_ref(statement.items)}.map({target})"
    lines = ["", f"    def {statement.function}(item: Any) -> Any:"]
    lines += ["        " + _call_text(call) for call in statement.calls]
    lines.append("        return " + ", ".join(map(_ref, statement.returns)))
    names = ", ".join(statement.variables)
    lines += ["", f"    {names} = {_ref(statement.items)}.map({statement.function})"]
    return "\n".join(lines)


def _call_text(call: Call) -> str:
    args = ", ".join(map(_arg, call.args))
    text = f"{call.function}.alias({literal(call.key)})({args})"
    return text if call.variable == "_" else f"{call.variable} = {text}"


def _arg(arg: Arg) -> str:
    values = [_ref(ref) + (".collect()" if arg.collected else "") for ref in arg.refs]
    text = "[" + ", ".join(values) + "]" if arg.as_list else values[0]
    return f"{arg.name}={text}" if arg.name else text


def _ref(ref: Ref) -> str:
    return ref.variable if ref.output is None else f"{ref.variable}.{ref.output}"
