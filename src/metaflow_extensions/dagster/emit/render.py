"""JobPlan -> source text."""

from __future__ import annotations

import os
import sys
from functools import cache
from typing import Any

import jinja2

from ..contract import HELPER_TAG
from ..graph import MISSING
from ..plan.job import JobPlan
from ..plan.model import Arg, Call, ForEach, HelperOp, OpInput, OpOutput, OpPlan, Ref
from ..plan.parameters import ParameterPlan
from ..runtime.source import _cache_folder
from .assets import asset_section, assets_text, checks_text, watched_text
from .embed import Import, embed, names_in
from .literals import literal
from .partitions import job_config_text, partitions_text, scheduled_text
from .triggers import def_line, exit_hooks_call, names_text, sensor_call, sensor_summary

_RULE = 88
# What comes before the ops depends on what they use, so it is put in afterwards.
_IMPORTS_HERE = "# (imports)"
_HELPERS_HERE = "# (helpers)"
# Names that templates use and no helper does.
_IMPORTS = {
    "Any": Import("typing", "Any"),
    "Iterator": Import("collections.abc", "Iterator"),
    "Dict": Import("typing", "Dict"),
    "List": Import("typing", "List"),
    "Optional": Import("typing", "Optional"),
    "Union": Import("typing", "Union"),
    "Field": Import("pydantic", "Field"),
} | {
    name: Import("dagster", name)
    for name in [
        "Config",
        "DailyPartitionsDefinition",
        "DefaultScheduleStatus",
        "DefaultSensorStatus",
        "Definitions",
        "DynamicOut",
        "DynamicOutput",
        "HourlyPartitionsDefinition",
        "In",
        "MonthlyPartitionsDefinition",
        "OpExecutionContext",
        "Out",
        "Output",
        "ScheduleDefinition",
        "SensorEvaluationContext",
        "SensorResult",
        "StaticPartitionsDefinition",
        "TimeWindowPartitionsDefinition",
        "WeeklyPartitionsDefinition",
        "in_process_executor",
        "job",
        "op",
        "sensor",
    ]
}
_OUTS = {
    OpOutput.TASK: "Out(str)",
    OpOutput.FOREACH: "DynamicOut(str)",
    OpOutput.FOREACH_DEFERRED: "Out(dict)",
    OpOutput.GANG: "Out(list)",
}
_EXECUTORS = {
    "auto": "_executor()",
    "in_process": "in_process_executor",
    "multiprocess": "_multiprocess_executor()",
}
_TYPES = {"str": "str", "list": "list[Any]", "dict": "dict[str, Any]"}


def render(plan: JobPlan) -> str:
    """The text of the definitions file: the same plan always gives the same bytes."""
    text = _template(plan)
    names = names_in(text)
    helpers, imports, mentioned = embed(names)
    imports |= {_IMPORTS[name] for name in names | mentioned if name in _IMPORTS}
    if ":" in plan.engine.executor:
        imports.add(_imported_executor(plan)[0])
    text = text.replace(_IMPORTS_HERE, _import_block(imports), 1)
    return _tidy(text.replace(_HELPERS_HERE, helpers, 1))


def prepare() -> None:
    """Do what `render` does for every plan, ahead of time."""
    embed(())
    _environment()


def _template(plan: JobPlan) -> str:
    names = [_sensor_name(plan, index) for index in range(len(plan.triggers))]
    hooked = plan.exit_hooks is not None
    return (
        _environment()
        .get_template("file.py.j2")
        .render(
            plan=plan,
            imports=_IMPORTS_HERE,
            helpers=_HELPERS_HERE,
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
    environment.filters.update(py=_py, docstring=_docstring, dict=dict, names=names_text)
    environment.globals.update(
        section=_section,
        constant=_constant,
        op_decorator=_op_decorator,
        job_decorator=_job_decorator,
        helper_decorator=_helper_decorator,
        call_args=_call_args,
        statement_text=_statement_text,
        config_field=_config_field,
        types=_TYPES,
        sensor_call=sensor_call,
        sensor_summary=sensor_summary,
        exit_hooks_call=exit_hooks_call,
        decorator=_decorator,
        def_line=def_line,
        partitions_text=partitions_text,
        scheduled_text=scheduled_text,
        asset_section=asset_section,
        assets_text=assets_text,
        checks_text=checks_text,
        watched_text=watched_text,
    )
    for name in ("file", "constants", "op", "job"):  # what every file has
        environment.get_template(f"{name}.py.j2")  # compiled now, and kept
    return environment


def _bytecode_cache() -> jinja2.BytecodeCache | None:
    """Where compiled templates are kept, if this machine has room for them."""
    folder = os.path.join(_cache_folder(), "templates")
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
    except OSError:
        return None
    return jinja2.FileSystemBytecodeCache(folder) if os.access(folder, os.W_OK) else None


def _py(value: Any, indent: int = 0) -> str:
    return literal(value, indent)


def _constant(name: str, value: Any) -> str:
    text = literal(value, before=len(name) + 3)
    # Formatters put a long string into parentheses where it fits a line then.
    if "\n" not in text and len(text) + 4 <= _RULE < len(name) + 3 + len(text):
        return f"{name} = (\n    {text}\n)"
    return f"{name} = {text}"


def _section(title: str) -> str:
    return f"# -- {title} " + "-" * (_RULE - len(title) - 6)


def _docstring(text: str) -> str:
    """The first paragraph of a docstring, as one."""
    line = " ".join(text.strip().split("\n\n")[0].split())
    line = line.replace("\\", "\\\\").replace('"""', "'''")
    return f'"""{line} """' if line.endswith('"') else f'"""{line}"""'


def _decorator(name: str, options: dict[str, str]) -> str:
    """``@name(...)`` on one line, or with an option a line."""
    args = [f"{key}={value}" for key, value in options.items()]
    line = f"@{name}({', '.join(args)})"
    if len(line) <= _RULE and "\n" not in line:
        return line
    return f"@{name}(\n" + "".join(f"    {arg},\n" for arg in args) + ")"


def _op_decorator(op: OpPlan) -> str:
    options = {"name": literal(op.op_name)}
    if op.inputs:
        options["ins"] = _mapping({put.name: f"In({put.type})" for put in op.inputs})
    if op.output_kind is OpOutput.SWITCH:
        optional = "Out(str, is_required=False)"
        options["out"] = _mapping({choice.output: optional for choice in op.choices})
    elif op.output_kind is not OpOutput.NONE:
        options["out"] = _OUTS[op.output_kind]
    if op.tags:
        options["tags"] = literal(dict(op.tags), 4, 9)
    if op.pool:
        options["pool"] = literal(op.pool)
    return _decorator("op", options)


def _helper_decorator(plan: JobPlan, kind: HelperOp, name: str, out: str) -> str:
    options = {"name": literal(name), "ins": '{"values": In(list)}', "out": out}
    tags = {**dict(plan.engine.helper_tags), HELPER_TAG: kind.value}
    options["tags"] = literal(tags, 4, 9)
    return _decorator("op", options)


def _job_decorator(plan: JobPlan) -> str:
    options = {"name": literal(plan.job_name)}
    if plan.description:
        options["description"] = literal(plan.description)
    options["tags"] = literal(plan.job_tags, 4)
    options["metadata"] = f"_deployment({plan.assets.line})"
    if plan.assets.owners:
        options["owners"] = literal(list(plan.assets.owners), 4, 11)
    if plan.partitions:
        options["config"] = job_config_text(plan)
    options["resource_defs"] = '{"io_manager": _TaskPaths()}'
    if executor := _executor(plan):
        options["executor_def"] = f"_with_exit_hooks({executor})" if plan.exit_hooks else executor
    return _decorator("job", options)


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


def _mapping(entries: dict[str, str]) -> str:
    """A dict of names to source texts."""
    rows = [f"{literal(key)}: {value}" for key, value in entries.items()]
    line = "{" + ", ".join(rows) + "}"
    if len(line) <= _RULE - 10:
        return line
    return "{\n" + "".join(f"        {row},\n" for row in rows) + "    }"


def _call_args(op: OpPlan) -> str:
    """The arguments of ``_run_step``: what differs from its defaults."""
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
        ("hooks", op.hooks),
    ):
        if value:
            options[option] = literal(value)
    args = ["context", literal(op.step), source, *(f"{k}={v}" for k, v in options.items())]
    line = ", ".join(args)
    if len(line) <= _RULE - 26:
        return line
    return "\n        " + ",\n        ".join(args) + ",\n    "


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
        options["default"] = literal(parameter.default, 8, 16)
    for name, text in (("description", parameter.description), ("alias", parameter.alias)):
        if text:
            options[name] = literal(text)
    left = f"    {parameter.field}: {parameter.annotation}"
    if not options:
        return left
    plain = set(options) == {"default"} and not isinstance(parameter.default, (list, dict))
    if plain and len(line := f"{left} = {options['default']}") <= _RULE:
        return line
    args = [f"{name}={text}" for name, text in options.items()]
    line = f"{left} = Field({', '.join(args)})"
    if len(line) <= _RULE and "\n" not in line:
        return line
    return f"{left} = Field(\n" + "".join(f"        {arg},\n" for arg in args) + "    )"


def _sensor_name(plan: JobPlan, index: int) -> str:
    kind = plan.triggers[index].kind
    before = sum(trigger.kind == kind for trigger in plan.triggers[:index])
    return f"{plan.job_name}_{'on_finish' if kind == 'finish' else 'event'}_{before}"


def _import_block(imports: set[Import]) -> str:
    """Import lines as isort orders them: the standard library, then packages."""
    blocks = []
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
            line = f"from {module} import {', '.join(names)}"
            if len(line) > 88:
                line = f"from {module} import (\n" + "".join(f"    {n},\n" for n in names) + ")"
            lines += [line] if names else []
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
