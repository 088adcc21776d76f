"""JobPlan -> source text."""

from __future__ import annotations

import os
from functools import cache
from typing import Any

import jinja2

from ..contract import HEADER, cache_folder
from ..errors import DagsterDeployError
from ..graph import MISSING
from ..plan.engine import DEFAULT_MAX_WORKERS
from ..plan.job import JobPlan
from ..plan.parameters import ParameterPlan
from ..version import __version__, compatible
from .assets import asset_section, metadata_text
from .embed import embed, helper_names, names_in
from .imports import FROM_DAGSTER, KNOWN, import_block
from .job import definitions_text, imported_executor, job_decorator, statement_text
from .layout import WIDTH, layout
from .literals import call, literal
from .ops import RETURNS, TYPES, handing_on, helper_decorator, op_call, op_decorator
from .partitions import partitions_text, scheduled_text
from .thin import IMPORTS_OF_THIN, with_thin_names
from .triggers import exit_hooks_call, schedule_summary, sensor_call, sensor_summary

# What comes before the ops depends on what they use, so it is put in afterwards.
_IMPORTS_HERE = "# (imports)"
_HELPERS_HERE = "# (helpers)"
_CONTENTS_HERE = "(contents)"
_RULE_START = "# -- "
# At module level of the file, beside its imports, helpers and constants.
_OWN_NAMES = {
    "dg",
    "flow_of",
    "FLOW",
    "FLOW_ASSET",
    "ARTIFACT_ASSETS",
    "EVENT_ASSETS",
    "PARTITIONS",
}


def render(plan: JobPlan) -> str:
    """The text of the definitions file: the same plan always gives the same bytes.

    Raises:
        DagsterDeployError: the job, which is a function of the file, would hide another of its
            names.
    """
    if plan.job_name in KNOWN or plan.job_name in _OWN_NAMES | helper_names():
        raise DagsterDeployError(
            f"The definitions file needs the name *{plan.job_name}* for something else, so its job "
            "cannot have it. Choose another one with --name."
        )
    text = _template(plan)
    if plan.is_thin:
        text = with_thin_names(text, FROM_DAGSTER)
        names = names_in(text) - FROM_DAGSTER
        helpers, imports = "", set(IMPORTS_OF_THIN)
    else:
        names = names_in(text)
        helpers, imports, mentioned = embed(names | {"_Flow"})
        helpers = f"{_section('Helpers')}\n{helpers}\n\n\nFLOW = _Flow.of(globals())"
        names |= mentioned
    imports |= {KNOWN[name] for name in names if name in KNOWN}
    if ":" in plan.engine.executor:
        imports.add(imported_executor(plan)[0])
    before, after = text.split(_HELPERS_HERE)
    if plan.is_thin:
        before = _without_comments(before)
    before = before.replace(_IMPORTS_HERE, import_block(imports), 1)
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


def _template(plan: JobPlan) -> str:
    hooked = plan.exit_hooks is not None
    return (
        _environment()
        .get_template("file.py.j2")
        .render(
            plan=plan,
            imports=_IMPORTS_HERE,
            helpers=_HELPERS_HERE,
            contents=_CONTENTS_HERE,
            thin=plan.is_thin,
            version=f"metaflow-dagster {compatible() if plan.is_thin else __version__}",
            works_with=compatible(),
            max_workers=DEFAULT_MAX_WORKERS,
            parameter_kinds={p.name: str(p.kind) for p in plan.parameters},
            job_names=[plan.job_name, *([f"{plan.job_name}_exit_hooks"] if hooked else [])],
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
        "op_decorator": op_decorator,
        "job_decorator": job_decorator,
        "helper_decorator": helper_decorator,
        "op_call": op_call,
        "handing_on": handing_on,
        "partitions_text": partitions_text,
        "scheduled_text": scheduled_text,
        "asset_section": asset_section,
        "definitions_text": definitions_text,
        "metadata_text": metadata_text,
        "statement_text": statement_text,
        "config_field": _config_field,
        "types": TYPES,
        "returns": {kind: returned for kind, (returned, _) in RETURNS.items()},
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


def _tidy(text: str) -> str:
    """At most two blank lines in a row, none at the end."""
    lines: list[str] = []
    for line in text.splitlines():
        line = line.rstrip()
        if line or lines[-2:] != ["", ""]:
            lines.append(line)
    return "\n".join(lines).rstrip("\n") + "\n"
