"""Parameters of a flow, as fields of a Dagster ``Config`` class.

A value leaves Dagster as plain data and reaches Metaflow's ``init`` command as text;
:mod:`..runtime.parameters` does that by the parameter's kind.
"""

from __future__ import annotations

import keyword
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from ..errors import Problems
from ..graph import MISSING, FlowView, ParameterKind, ParameterView


@dataclass(frozen=True)
class ParameterPlan:
    """One parameter, ready to be written as a field and to be passed on to ``init``."""

    name: str
    """Metaflow's name, as on the command line, such as ``max-n``."""
    field: str
    """Attribute of the Config class: an identifier that hides nothing in that class."""
    kind: ParameterKind
    annotation: str
    """Source text; the only name that it needs is ``Any``."""
    default: Any
    """Plain data (None, numbers, strings, lists, dicts) or MISSING."""
    alias: str | None
    """The key in Dagster's config where it is not ``field``."""
    description: str | None
    """Help text for the Launchpad."""

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


def plan_parameters(
    view: FlowView, *, must_have_defaults: str | None, given: Collection[str] = ()
) -> tuple[ParameterPlan, ...]:
    """Plan all parameters of a flow, in Metaflow's order.

    Args:
        view: The flow.
        must_have_defaults: What starts runs that nobody can be asked about, such as
            ``@schedule``; a parameter that must be given is refused then.
        given: Parameters that these runs are given.

    Raises:
        DagsterDeployError: A parameter must be given but cannot be.
    """
    problems = Problems()
    for name in view.required if must_have_defaults else ():
        if name not in given:
            problems.add(
                f"Parameter *{name}* is required and has no default, but "
                f"*{must_have_defaults}* starts runs without anybody to ask. Give it a default, "
                f"or remove *{must_have_defaults}*."
            )
    problems.raise_all()
    taken: set[str] = set()
    return tuple(_plan(parameter, taken) for parameter in view.parameters)


def config_keys(names: Iterable[str]) -> dict[str, str]:
    """By the name of each of a flow's parameters, its key in Dagster's run config."""
    taken: set[str] = set()
    keys: dict[str, str] = {}
    for name in names:
        field, alias = _field_name(name, taken)
        keys[name] = alias or field
    return keys


def _plan(parameter: ParameterView, taken: set[str]) -> ParameterPlan:
    field, alias = _field_name(parameter.name, taken)
    annotation = parameter.kind.annotation
    if not parameter.is_required and parameter.default is None and annotation != "Any":
        annotation = f"{annotation} | None"
    return ParameterPlan(
        name=parameter.name,
        field=field,
        kind=parameter.kind,
        annotation=annotation,
        default=MISSING if parameter.is_required else parameter.default,
        alias=alias,
        description="\n".join(filter(None, (parameter.help, parameter.note))) or None,
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
