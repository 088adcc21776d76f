"""A flow's parameters -> ParameterViews.

A parameter is a click option of Metaflow's ``init`` command (``add_custom_parameters`` in
metaflow/parameters.py), so its type and default mean what click 7 makes of them.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from enum import Enum
from typing import TYPE_CHECKING, Any, Final, TypeGuard

from metaflow.exception import MetaflowException
from metaflow.parameters import DeployTimeField, JSONTypeClass

from .._metaflow_internals import check_parameters, click, parameters_of
from .._metaflow_internals.untyped import evaluate
from ..errors import DagsterDeployError, Problems
from .flow import ParameterView
from .parameter_kind import ParameterKind

if TYPE_CHECKING:
    from .._metaflow_internals.types import Flow


class _Missing(Enum):
    MISSING = "MISSING"

    def __repr__(self) -> str:
        return "MISSING"


MISSING: Final = _Missing.MISSING
"""Stands for no value where None is one."""

_NOTE_FILE = "Path of a file where the job runs, or the descriptor of an uploaded file."


def read_parameters(flow: Flow, problems: Problems) -> tuple[ParameterView, ...]:
    """Read the parameters that a run can set, in the order of their declaration.

    Deploy-time functions are called, each once, and default files of ``IncludeFile`` are uploaded
    to the flow's datastore, so Metaflow's parameter context must be set, as it is in every
    command of a flow (``set_parameter_context``).

    Args:
        flow: A FlowSpec whose config decorators were processed.
        problems: Takes a DagsterDeployError for each parameter whose default is not of its type,
            or whose deploy-time function fails, and Metaflow's own where two names differ in
            case only.
    """
    problems.attempt(check_parameters, flow)
    views: list[ParameterView] = []
    for _, parameter in parameters_of(flow):
        views.append(problems.attempt(_read, parameter) or _unusable(parameter))
    return tuple(views)


def _read(parameter: Any) -> ParameterView:
    name, options = parameter.name, parameter.kwargs
    kind, default = ParameterKind.of(options), options.get("default")
    if kind == ParameterKind("str"):
        kind = replace(kind, separator=parameter.separator or "")
    is_evaluated = isinstance(default, DeployTimeField)
    if is_evaluated:
        default = _evaluate(name, default, repeated=kind.repeated)
        kind = ParameterKind("str") if kind.base == "fixed" else kind
    shown, kind, note = _default(name, options, kind, default)
    return ParameterView(
        name=name,
        kind=replace(kind, fills_empty=kind.repeated and bool(shown) and not is_evaluated),
        default=shown,
        is_required=default is None and bool(options.get("required")),
        help=options.get("help"),
        note=note,
    )


def _unusable(parameter: Any) -> ParameterView:
    """Stands in for a parameter that has a problem, so that others do not miss its name."""
    return ParameterView(parameter.name, ParameterKind("str"), None, False, None, None)


def _default(
    name: str, options: dict[str, Any], kind: ParameterKind, default: Any
) -> tuple[Any, ParameterKind, str | None]:
    """The default as plain data, the final kind, and a note for the reader.

    Plain data of the parameter's kind is shown, and given to ``init`` as text. Any other default
    (an object, a number for a text parameter) is left to Metaflow, which applies it where
    ``init`` is given nothing: then the field's default is None.
    """
    is_fixed = kind.base == "fixed"
    note = _NOTE_FILE if kind == ParameterKind("file") else None
    if default is None:
        return [] if kind.repeated else None, ParameterKind("str") if is_fixed else kind, note
    shown = _plain(name, options.get("type", str), kind, default)
    if shown is MISSING:
        described = repr(default) if isinstance(default, (int, float)) else type(default).__name__
        note = f"Left out, Metaflow's default ({described})."
        return None, ParameterKind("str") if is_fixed else kind, note
    return shown, replace(kind, fixed=json.dumps(shown)) if is_fixed else kind, note


def _plain(name: str, click_type: Any, kind: ParameterKind, default: Any) -> Any:
    """``default`` as click converts it in a native run, or MISSING if it is not plain data."""
    if kind.repeated or kind.several:
        one = replace(kind, repeated=False, several=kind.repeated and kind.several)
        values = [_plain(name, click_type, one, value) for value in default]
        return MISSING if MISSING in values else values
    if kind.base in ("str", "file"):
        return default if isinstance(default, str) else MISSING
    if kind.base == "fixed":
        return _as_json(default)
    convert: Callable[[Any], Any] = click.types.convert_type(click_type)
    try:
        value = convert(default)
    except Exception as error:
        reason = getattr(error, "message", None) or str(error)
        raise DagsterDeployError(
            f"The default of parameter *{name}* is not of its type: {reason}. "
            "Change the default, or the parameter's *type*."
        ) from error
    if kind.base == "json":
        # A text within JSON would be read as JSON once more: keep the JSON as it was given.
        return default if isinstance(value, str) else _as_json(value)
    number = {"float": (int, float), "bool": bool, "flag": bool}.get(kind.base, int)
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
    function: Callable[..., Any] = vars(field)["fun"]
    recorded.fun = _recording(function, returned)
    try:
        value = evaluate(recorded)
    except MetaflowException as error:
        # Where Metaflow itself refuses the value, its reason says all; else the user's function
        # has failed, and Metaflow shows where.
        cause: BaseException | None = error.__context__
        refused = isinstance(cause, (MetaflowException, click.ClickException))
        reason = str(cause.message if refused else error.message)
        raise DagsterDeployError(
            f"The deploy-time default of parameter *{name}* cannot be used. {reason}"
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
    return list(returned[-1]) if repeated and _is_several(returned[-1]) else value


def _is_several(value: object) -> TypeGuard[Sequence[Any]]:
    return isinstance(value, (list, tuple))


def _recording(function: Callable[..., Any], returned: list[Any]) -> Callable[..., Any]:
    def record(*args: Any) -> Any:
        returned.append(function(*args))
        return returned[-1]

    return record
