"""Parameters of a flow, as fields of a Dagster ``Config`` class.

A parameter is a click option of Metaflow's ``init`` command (``add_custom_parameters`` in
metaflow/parameters.py), so its type and default mean what click 7 makes of them. A value leaves
Dagster as plain data and reaches ``init`` as text; :mod:`..runtime.parameters` does that by the
kind that is planned here.
"""

from __future__ import annotations

import copy
import json
import keyword
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from metaflow.exception import MetaflowException
from metaflow.includefile import FilePathClass
from metaflow.parameters import DeployTimeField, JSONTypeClass, deploy_time_eval

from .._metaflow_internals import check_parameters, click, parameters_of
from ..errors import DagsterDeployError


class _Missing(Enum):
    MISSING = "MISSING"

    def __repr__(self) -> str:
        return "MISSING"


MISSING: Final = _Missing.MISSING
"""The default of a parameter that must be given."""


@dataclass(frozen=True)
class ParameterPlan:
    """One parameter, ready to be written as a field and to be passed on to ``init``."""

    name: str
    """Metaflow's name, as on the command line, such as ``max-n``."""
    field: str
    """Attribute of the Config class: an identifier that hides nothing in that class."""
    kind: str
    """``str``, ``int``, ``float``, ``bool``, ``json``, ``list`` or ``file``."""
    annotation: str
    """Source text; uses ``Any``, ``Dict``, ``List`` and ``Optional`` of typing."""
    default: Any
    """Plain data (None, numbers, strings, lists, dicts) or MISSING."""
    alias: str | None
    """The key in Dagster's config where it is not ``field``."""
    description: str | None
    """Help text for the Launchpad."""
    evaluated: bool
    """The default was computed at create, so ``init`` must be given it: left out, it is None
    (``Parameter.option_kwargs``)."""
    multiple: bool
    """The option is repeated, once for each value."""
    separator: str | None
    """Where Metaflow splits the text into a list (``FlowSpec._set_constants``); the value stays
    one string until then."""
    runtime_kind: str
    """How the value becomes arguments: see ``_parameter_args`` in runtime/parameters.py."""

    @property
    def key(self) -> str:
        """The name of the value in Dagster's run config."""
        return self.alias or self.field


# Attributes of dagster.Config (a pydantic model), and names that the class body itself uses:
# `int: int = 3` would break every later `x: int`. Names with the prefix model_ are pydantic's.
_RESERVED_FIELDS = frozenset(
    {
        "construct",
        "copy",
        "dict",
        "from_orm",
        "json",
        "parse_file",
        "parse_obj",
        "parse_raw",
        "schema",
        "schema_json",
        "to_config_schema",
        "to_fields_dict",
        "update_forward_refs",
        "validate",
        "Any",
        "Config",
        "Dict",
        "Field",
        "List",
        "Optional",
        "Union",
        "bool",
        "bytes",
        "float",
        "int",
        "list",
        "set",
        "str",
        "tuple",
        "type",
        "fields",
        "self",
        "cls",
        "config",
        "context",
    }
)
_CLICK_TYPES = {
    click.types.IntParamType: "int",
    click.types.FloatParamType: "float",
    click.types.BoolParamType: "bool",
}
_NOTE_FILE = "Path of a file where the job runs, or the descriptor of an uploaded file."


def plan_parameters(flow: Any, *, must_have_defaults: str | None) -> tuple[ParameterPlan, ...]:
    """Plan all parameters of ``flow``, in Metaflow's order; configs are not parameters.

    Deploy-time functions are called, each once, and default files of ``IncludeFile`` are uploaded
    to the flow's datastore, so Metaflow's parameter context must be set, as it is in every
    command of a flow (``set_parameter_context``).

    Args:
        flow: A FlowSpec whose config decorators were processed.
        must_have_defaults: What starts runs that nobody can be asked about, such as
            ``@schedule``; a parameter that must be given is refused then.

    Raises:
        DagsterDeployError: A parameter must be given but cannot be, its default is not of its
            type, or its deploy-time function fails.
        MetaflowException: Two names differ in case only (Metaflow's own message).
    """
    check_parameters(flow)
    taken: set[str] = set()
    plans = []
    for _, parameter in parameters_of(flow):
        plan = _plan(parameter, taken)
        if plan.default is MISSING and must_have_defaults:
            raise DagsterDeployError(
                f"Parameter *{plan.name}* is required and has no default, but "
                f"*{must_have_defaults}* starts runs without anybody to ask. Give it a default, "
                f"or remove *{must_have_defaults}*."
            )
        plans.append(plan)
    return tuple(plans)


def config_keys(flow: Any) -> dict[str, str]:
    """By the name of each parameter, its key in Dagster's run config; evaluates nothing."""
    taken: set[str] = set()
    keys = {}
    for _, parameter in parameters_of(flow):
        field, alias = _field_name(parameter.name, taken)
        keys[parameter.name] = alias or field
    return keys


def required_parameters(flow: Any) -> tuple[str, ...]:
    """Names of the parameters that a run must be given: required, and without any default."""
    return tuple(
        parameter.name
        for _, parameter in parameters_of(flow)
        if parameter.kwargs.get("required") and parameter.kwargs.get("default") is None
    )


def _plan(parameter: Any, taken: set[str]) -> ParameterPlan:
    name, options = parameter.name, parameter.kwargs
    field, alias = _field_name(name, taken)
    kind, default = _runtime_kind(options), options.get("default")
    evaluated = isinstance(default, DeployTimeField)
    if evaluated:
        default = _evaluate(name, default, repeated=kind.startswith("list["))
        kind = "str" if kind == "fixed" else kind
    shown, kind, note = _default(name, options, kind, default)
    if kind.startswith("list[") and shown and not evaluated:
        kind += "!"  # Given no value, Metaflow applies its default.

    annotation = _annotation(kind, shown)
    if default is None and options.get("required"):
        shown = MISSING
    elif shown is None and annotation != "Any":
        annotation = f"Optional[{annotation}]"
    help_text = options.get("help")
    description = "\n".join(part for part in (help_text, note) if part)
    return ParameterPlan(
        name=name,
        field=field,
        kind=_plan_kind(kind, shown),
        annotation=annotation,
        default=shown,
        alias=alias,
        description=description or None,
        evaluated=evaluated,
        multiple=bool(options.get("multiple")),
        separator=parameter.separator,
        runtime_kind=f"fixed:{json.dumps(shown)}" if kind == "fixed" else kind,
    )


def _field_name(name: str, taken: set[str]) -> tuple[str, str | None]:
    """The attribute and, where that differs from the key in Dagster's config, the key.

    Dagster takes any key, also dashes, keywords and leading underscores, except two: ``self``
    (an argument of ``Config.__init__``) and names that end in ``__internal__``, which it ignores.
    """
    key: str | None = name
    if name == "self" or name.endswith("__internal__"):
        key = None
        name = name.removesuffix("__internal__")
    field = name.replace("-", "_")
    if (
        not field.isidentifier()
        or keyword.iskeyword(field)
        or field in _RESERVED_FIELDS
        or field.startswith(("_", "model_"))
    ):
        field = "param_" + field.lstrip("_")
    wanted, number = field, 2
    while field in taken:
        field, number = f"{wanted}_{number}", number + 1
    taken.add(field)
    return field, key if key != field else None


def _runtime_kind(options: dict[str, Any]) -> str:
    """The runtime kind, by the parameter's type and the click options that change its form."""
    given = options.get("type", str)
    if options.get("count"):
        return "count"
    if options.get("is_flag"):
        return "flag"
    repeated, several = options.get("multiple"), options.get("nargs", 1) != 1
    if given in (list, dict) and not repeated and not several:
        # click calls list("...") or dict("...") on text, so that only the default is of use.
        return "fixed"
    if isinstance(given, JSONTypeClass):
        kind = "json"
    elif isinstance(given, FilePathClass):
        kind = "file"
    elif given in (int, float, bool):
        kind = given.__name__
    else:
        kind = next((k for cls, k in _CLICK_TYPES.items() if isinstance(given, cls)), "str")
    if repeated and several:
        return f"list[tuple[{kind}]]"
    if repeated:
        return f"list[{kind}]"
    return f"tuple[{kind}]" if several else kind


def _default(
    name: str, options: dict[str, Any], kind: str, default: Any
) -> tuple[Any, str, str | None]:
    """The default as plain data, the final runtime kind, and a note for the reader.

    Plain data of the parameter's kind is shown, and given to ``init`` as text. Any other default
    (an object, a number for a text parameter) is left to Metaflow, which applies it where
    ``init`` is given nothing: then the field's default is None.
    """
    note = _NOTE_FILE if kind == "file" else None
    if default is None:
        return ([] if kind.startswith("list[") else None), kind.replace("fixed", "str"), note
    shown = _plain(name, options.get("type", str), kind, default)
    if shown is MISSING:
        described = repr(default) if isinstance(default, (int, float)) else type(default).__name__
        return None, kind.replace("fixed", "str"), f"Left out, Metaflow's default ({described})."
    return shown, kind, note


def _plain(name: str, click_type: Any, kind: str, default: Any) -> Any:
    """``default`` as click converts it in a native run, or MISSING if it is not plain data."""
    outer, _, inner = kind.rstrip("]").partition("[")
    if outer in ("list", "tuple"):
        values = [_plain(name, click_type, inner, value) for value in default]
        return MISSING if MISSING in values else values
    if kind in ("str", "file"):
        return default if isinstance(default, str) else MISSING
    if kind == "fixed":
        return _as_json(default)
    try:
        value = click.types.convert_type(click_type)(default)
    except Exception as error:
        reason = getattr(error, "message", None) or str(error)
        raise DagsterDeployError(
            f"The default of parameter *{name}* is not of its type: {reason}. "
            "Change the default, or the parameter's *type*."
        ) from error
    if kind == "json":
        # A text within JSON would be read as JSON once more: keep the JSON as it was given.
        return default if isinstance(value, str) else _as_json(value)
    number = {"float": (int, float), "bool": bool, "flag": bool}.get(kind, int)
    is_number = isinstance(value, number)
    return value if is_number and (number is bool or not isinstance(value, bool)) else MISSING


def _as_json(value: Any) -> Any:
    """``value`` if JSON brings it back unchanged, else MISSING (tuples, int keys, objects)."""
    try:
        same = json.loads(json.dumps(value))
    except (TypeError, ValueError):
        return MISSING
    return value if repr(same) == repr(value) else MISSING


def _evaluate(name: str, field: DeployTimeField, *, repeated: bool) -> Any:
    """Call a deploy-time function once, and give its value the form that ``init`` takes.

    ``DeployTimeField`` checks the type and turns numbers into text. It also makes the text
    ``null`` of a None, where a native run refuses it ("Expected a string"); so do we.
    """
    returned: list[Any] = []
    recorded = copy.copy(field)
    recorded.fun = _recording(field.fun, returned)
    try:
        value = deploy_time_eval(recorded)
    except MetaflowException as error:
        raise DagsterDeployError(
            f"The deploy-time default of parameter *{name}* cannot be used. {error.message}"
        ) from error
    if returned[-1] is None and not isinstance(field.parameter_type, JSONTypeClass):
        raise DagsterDeployError(
            f"The deploy-time function for the default of parameter *{name}* returned None. "
            "Return a value of the parameter's type, or give the parameter no default."
        )
    is_text = field.parameter_type not in (bool, int, float, list, dict)
    is_json = isinstance(field.parameter_type, JSONTypeClass)
    if is_text and not is_json and not repeated and not isinstance(returned[-1], str):
        raise DagsterDeployError(
            f"The deploy-time function for the default of parameter *{name}* returned "
            f"{type(returned[-1]).__name__}, and a parameter without a *type* is text: a native "
            f"run stops there too. Give the parameter type={type(returned[-1]).__name__}."
        )
    if repeated and isinstance(returned[-1], (list, tuple)):
        return list(returned[-1])
    return value


def _recording(function: Callable[..., Any], returned: list[Any]) -> Callable[..., Any]:
    def record(*args: Any) -> Any:
        returned.append(function(*args))
        return returned[-1]

    return record


def _annotation(kind: str, default: Any) -> str:
    """Source text of a field's type. Dagster has no unions: ``Any`` takes text and nested YAML."""
    outer, _, inner = kind.rstrip("!]").partition("[")
    if outer in ("list", "tuple"):
        return f"List[{_annotation(inner, None)}]"
    if kind == "fixed":
        return "List[Any]" if isinstance(default, list) else "Dict[str, Any]"
    return {"json": "Any", "file": "str", "count": "int", "flag": "bool"}.get(kind, kind)


def _plan_kind(kind: str, default: Any) -> str:
    """The kind as readers of the plan know it: one of seven."""
    if kind.startswith(("list[", "tuple[")):
        return "list"
    if kind == "fixed":
        return "list" if isinstance(default, list) else "json"
    return {"count": "int", "flag": "bool"}.get(kind, kind)
