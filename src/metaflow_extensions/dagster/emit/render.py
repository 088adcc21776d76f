"""JobPlan -> source text."""

from __future__ import annotations

import os
import sys
from functools import cache
from typing import Any

import jinja2

from ..contract import HEADER, cache_folder, tags
from ..graph import MISSING
from ..plan.job import JobPlan
from ..plan.model import Arg, Call, ForEach, HelperOp, OpInput, OpOutput, OpPlan, Ref
from ..plan.parameters import ParameterPlan
from ..version import __version__, compatible
from .assets import asset_section, assets_text, checks_text, metadata_text
from .embed import Import, api_names, embed, names_in
from .layout import WIDTH, layout
from .literals import call, literal
from .partitions import job_config_text, partitions_text, scheduled_text
from .triggers import exit_hooks_call, schedule_summary, sensor_call, sensor_summary

# What comes before the ops depends on what they use, so it is put in afterwards.
_IMPORTS_HERE = "# (imports)"
_HELPERS_HERE = "# (helpers)"
_CONTENTS_HERE = "(contents)"
_RULE_START = "# -- "
_API = "metaflow_extensions.dagster.runtime.api"
# Names that templates use and no helper does.
_IMPORTS = {
    "Any": Import("typing", "Any"),
    "warnings": Import("warnings", None),
    "Iterator": Import("collections.abc", "Iterator"),
    "AssetSpec": Import("dagster", "AssetSpec"),
    "Field": Import("pydantic", "Field"),
} | {
    name: Import("dagster", name)
    for name in [
        "BetaWarning",
        "Config",
        "DailyPartitionsDefinition",
        "HourlyPartitionsDefinition",
        "MonthlyPartitionsDefinition",
        "StaticPartitionsDefinition",
        "TimeWindowPartitionsDefinition",
        "WeeklyPartitionsDefinition",
        "DefaultScheduleStatus",
        "DefaultSensorStatus",
        "Definitions",
        "MetadataValue",
        "DynamicOut",
        "DynamicOutput",
        "In",
        "OpExecutionContext",
        "Out",
        "Output",
        "ScheduleDefinition",
        "SensorEvaluationContext",
        "SensorResult",
        "in_process_executor",
        "job",
        "op",
        "sensor",
    ]
}
_RETURNS = {  # of an op, by what it hands on, and the helper that hands it on
    OpOutput.NONE: ("None", "_record_success"),
    OpOutput.TASK: ("str", "return _hand_on"),
    OpOutput.FOREACH: ("Iterator[Any]", "yield from _split_outputs"),
    OpOutput.FOREACH_DEFERRED: ("dict[str, Any]", "return _splits"),
    OpOutput.SWITCH: ("Iterator[Any]", "yield _chosen"),
    OpOutput.GANG: ("list[str]", "return _gang"),
}
_EXECUTORS = {
    "auto": "_executor(FLOW)",
    "in_process": "in_process_executor",
    "multiprocess": "_multiprocess_executor(FLOW)",
}
_TYPES = {"str": "str", "list": "list[Any]", "dict": "dict[str, Any]"}


def render(plan: JobPlan) -> str:
    """The text of the definitions file: the same plan always gives the same bytes."""
    thin = plan.runtime == "package"
    text = _template(plan, thin)
    names = names_in(text)
    if thin:
        helpers, mentioned = "", names
        imports = {Import(_API, name) for name in names & set(api_names())}
    else:
        helpers, imports, mentioned = embed(names | {"_Flow"})
        helpers = f"{_section('Helpers')}\n{helpers}\n\n\nFLOW = _Flow.of(globals())"
    imports |= {_IMPORTS[name] for name in names | mentioned if name in _IMPORTS}
    if ":" in plan.engine.executor:
        imports.add(_imported_executor(plan)[0])
    before, after = text.split(_HELPERS_HERE)
    if thin:
        before = _without_comments(before)
    before = before.replace(_IMPORTS_HERE, _import_block(imports), 1)
    return _with_contents(_tidy(layout(before) + helpers + layout(after)))


def _without_comments(text: str) -> str:
    """The head and the constants of a thin file, which is made to be read in a review: it leaves
    what each constant is to the reference."""
    head, rule, constants = text.partition(_section("Flow constants"))
    lines = [line for line in constants.splitlines() if line and not line.startswith("# ")]
    return head + rule + "\n" + "\n".join(lines) + "\n\n\n"


def _with_contents(text: str) -> str:
    """Put the list of sections, with their lines, into the head of the file."""
    lines = text.split("\n")
    found = [
        (number, line[len(_RULE_START) :].rstrip(" -"))
        for number, line in enumerate(lines, start=1)
        if line.startswith(_RULE_START)
    ]
    more = len(found)  # the list itself, its title taking the line of the mark
    rows = [f"    {number + more:>5}  {title}" for number, title in found]
    return text.replace(_CONTENTS_HERE, "\n".join(["Sections, by line:", *rows]), 1)


def prepare() -> None:
    """Do what `render` does for every plan, ahead of time."""
    embed(())
    _environment()


def _template(plan: JobPlan, thin: bool) -> str:
    names = [_sensor_name(plan, index) for index in range(len(plan.triggers))]
    hooked = plan.exit_hooks is not None
    return (
        _environment()
        .get_template("file.py.j2")
        .render(
            plan=plan,
            imports=_IMPORTS_HERE,
            helpers=_HELPERS_HERE,
            contents=_CONTENTS_HERE,
            thin=thin,
            version=f"metaflow-dagster {compatible() if thin else __version__}",
            works_with=compatible(),
            parameter_kinds={p.name: str(p.kind) for p in plan.parameters},
            job_names=[plan.job_name, *([f"{plan.job_name}_exit_hooks"] if hooked else [])],
            sensor_names=names + ([f"{plan.job_name}_exit_hooks_sensor"] if hooked else []),
        )
    )


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("metaflow_extensions.dagster.emit"),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        bytecode_cache=_bytecode_cache(),
    )
    environment.filters.update(py=literal, docstring=_docstring)
    helpers: dict[str, Any] = {
        "header": HEADER,
        "section": _section,
        "constant": _constant,
        "op_decorator": _op_decorator,
        "job_decorator": _job_decorator,
        "helper_decorator": _helper_decorator,
        "op_call": _op_call,
        "handing_on": _handing_on,
        "partitions_text": partitions_text,
        "scheduled_text": scheduled_text,
        "asset_section": asset_section,
        "assets_text": assets_text,
        "checks_text": checks_text,
        "metadata_text": metadata_text,
        "statement_text": _statement_text,
        "config_field": _config_field,
        "types": _TYPES,
        "returns": {kind: returned for kind, (returned, _) in _RETURNS.items()},
        "shown": _shown,
        "schedule_summary": schedule_summary,
        "sensor_call": sensor_call,
        "sensor_summary": sensor_summary,
        "exit_hooks_call": exit_hooks_call,
    }
    environment.globals.update(helpers)
    for name in ("file", "constants", "op", "job"):  # what every file has
        environment.get_template(f"{name}.py.j2")  # compiled now, and kept
    return environment


def _bytecode_cache() -> jinja2.BytecodeCache | None:
    """Where compiled templates are kept, if this machine has room for them."""
    folder = os.path.join(cache_folder(), "templates")
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
    except OSError:
        return None
    return jinja2.FileSystemBytecodeCache(folder) if os.access(folder, os.W_OK) else None


def _constant(name: str, value: Any) -> str:
    return f"{name} = {literal(value)}"


def _shown(of_steps: dict[str, Any]) -> dict[str, Any]:
    """What some steps have, without those that have nothing."""
    return {step: specs for step, specs in of_steps.items() if specs}


def _section(title: str) -> str:
    return f"{_RULE_START}{title} " + "-" * (WIDTH - len(title) - 6)


def _docstring(text: str) -> str:
    """The first paragraph of a docstring, as one."""
    line = " ".join(text.strip().split("\n\n")[0].split())
    line = line.replace("\\", "\\\\").replace('"""', "'''")
    before, after = (" " if line[at] == '"' else "" for at in (0, -1))
    return f'"""{before}{line}{after}"""'


def _op_decorator(op: OpPlan) -> str:
    options = {"name": literal(op.op_name)}
    if op.output_kind is OpOutput.SWITCH:
        outs = (f"{literal(c.output)}: Out(str, is_required=False)" for c in op.choices)
        options["out"] = "{" + ", ".join(outs) + "}"
    elif op.output_kind is OpOutput.FOREACH:
        options["out"] = "DynamicOut(str)"
    if op.tags:
        options["tags"] = literal(dict(op.tags))
    if op.pool:
        options["pool"] = literal(op.pool)
    return "@" + call("op", (), options)


def _helper_decorator(plan: JobPlan, kind: HelperOp, name: str) -> str:
    out = {"out": "DynamicOut()"} if kind.is_dynamic else {}
    of_op = {**dict(plan.engine.helper_tags), tags.HELPER: kind.value}
    return "@" + call("op", (), {"name": literal(name), **out, "tags": literal(of_op)})


def _job_decorator(plan: JobPlan) -> str:
    options = {"name": literal(plan.job_name)}
    if plan.description:
        options["description"] = literal(plan.description)
    options["tags"] = literal(plan.job_tags)
    options["metadata"] = metadata_text(plan)
    if plan.assets.owners:
        options["owners"] = literal(list(plan.assets.owners))
    if plan.partitions:
        options["config"] = job_config_text(plan)
    options["resource_defs"] = '{"io_manager": _TaskPaths(FLOW)}'
    if executor := _executor(plan):
        hooked = f"_with_exit_hooks(FLOW, {executor})"
        options["executor_def"] = hooked if plan.exit_hooks else executor
    return "@" + call("job", (), options)


def _executor(plan: JobPlan) -> str | None:
    """The expression for the job's executor; None leaves it to the code location."""
    engine = plan.engine
    if engine.executor == "inherit":
        return None
    text = _EXECUTORS.get(engine.executor) or _imported_executor(plan)[1]
    return text if engine.config is None else f"{text}.configured(EXECUTOR_CONFIG)"


def _imported_executor(plan: JobPlan) -> tuple[Import, str]:
    """The import of an executor that is named by its module, and what it is called in the file."""
    module, name = plan.engine.executor.split(":")
    taken = {*_IMPORTS, "defs", plan.job_name, plan.config_class}
    taken |= {op.function for op in plan.ops} | {kind.value for kind in plan.graph.helper_ops}
    if name in taken:
        return Import(module, f"{name} as {name}_"), f"{name}_"
    return Import(module, name), name


def _op_call(op: OpPlan, function: str = "") -> str:
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


def _handing_on(op: OpPlan, task: str = "") -> str:
    """The last statement of an op; where no task is named, it runs the step as well."""
    if not task and op.output_kind is OpOutput.TASK and not op.loop:
        return f"return {_op_call(op, '_run_step')}"
    args = ["FLOW", "context", task or _op_call(op)]
    if op.output_kind is OpOutput.NONE:
        args.append("FLOW_ASSET")
    return call(_RETURNS[op.output_kind][1], args)


def _statement_text(statement: Call | ForEach) -> str:
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


def _config_field(parameter: ParameterPlan) -> str:
    """A field of the Config class, with its default, description and alias where it has them."""
    options: dict[str, str] = {}
    if parameter.default is not MISSING:
        options["default"] = literal(parameter.default)
    for name, text in (("description", parameter.description), ("alias", parameter.alias)):
        if text:
            options[name] = literal(text)
    left = f"    {parameter.field}: {parameter.annotation}"
    if not options:
        return left
    if set(options) == {"default"} and not isinstance(parameter.default, (list, dict)):
        return f"{left} = {options['default']}"
    return f"{left} = {call('Field', (), options)}"


def _sensor_name(plan: JobPlan, index: int) -> str:
    kind = plan.triggers[index].kind
    before = sum(trigger.kind == kind for trigger in plan.triggers[:index])
    return f"{plan.job_name}_{'on_finish' if kind == 'finish' else 'event'}_{before}"


def _import_block(imports: set[Import]) -> str:
    """Import lines as isort orders them: the standard library, then packages."""
    blocks: list[str] = []
    for packages in (False, True):
        chosen = [
            i
            for i in imports
            if (i.module.split(".")[0] not in sys.stdlib_module_names) is packages
        ]
        plain = sorted(i.module for i in chosen if i.name is None)
        lines = [f"import {module}" for module in plain]
        for module in sorted({i.module for i in chosen if i.name is not None}):
            named = sorted(
                (i.name for i in chosen if i.module == module and i.name),
                key=lambda name: (not name[0].isupper(), name.lower()),
            )
            names = [n for n in named if " as " not in n]
            lines += [f"from {module} import {', '.join(names)}"] if names else []
            lines += [f"from {module} import {name}" for name in named if name not in names]
        if lines:
            blocks.append("\n".join(lines))
    return "\n\n".join(blocks)


def _tidy(text: str) -> str:
    """At most two blank lines in a row, none at the end."""
    lines: list[str] = []
    for line in text.splitlines():
        line = line.rstrip()
        if line or lines[-2:] != ["", ""]:
            lines.append(line)
    return "\n".join(lines).rstrip("\n") + "\n"
