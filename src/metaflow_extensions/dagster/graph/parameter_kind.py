"""What kind of option a flow's parameter is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from metaflow.includefile import FilePathClass
from metaflow.parameters import JSONTypeClass

from .._metaflow_internals import click

Base = Literal["str", "int", "float", "bool", "json", "file", "flag", "count", "fixed"]

_CLICK_TYPES: dict[Any, Base] = {
    click.types.IntParamType: "int",
    click.types.FloatParamType: "float",
    click.types.BoolParamType: "bool",
}
_ANNOTATIONS = {"json": "Any", "file": "str", "count": "int", "flag": "bool"}
_PYTHON_TYPES: dict[Any, Base] = {int: "int", float: "float", bool: "bool"}


@dataclass(frozen=True)
class ParameterKind:
    """How values of a parameter are given to Metaflow's ``init`` command.

    ``str()`` gives the text that a generated file has for it, such as ``list[tuple[int]]``: what
    that means is said by ``parameter_arguments`` in driver/parameters.py.
    """

    base: Base
    """What one value is; ``fixed`` is a value that only the flow's source can give."""
    several: bool = False
    """The option takes several values at once (``nargs``)."""
    repeated: bool = False
    """The option may be given again and again (``multiple``)."""
    fills_empty: bool = False
    """Given no value, Metaflow applies the default of a repeated option, so that an empty list
    cannot be given."""
    fixed: str = ""
    """JSON of the one value of ``fixed``."""
    separator: str = ""
    """Between the parts of a text that Metaflow takes apart."""

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> ParameterKind:
        """The kind by the parameter's type, and by the click options that change its form."""
        given = options.get("type", str)
        if options.get("count"):
            return cls("count")
        if options.get("is_flag"):
            return cls("flag")
        repeated, several = bool(options.get("multiple")), options.get("nargs", 1) != 1
        if given in (list, dict) and not repeated and not several:
            # click calls list("...") or dict("...") on text, so that only the default is of use.
            return cls("fixed")
        return cls(_base(given), several, repeated)

    @property
    def annotation(self) -> str:
        """Source text of the type; Dagster has no unions: ``Any`` takes text and nested YAML."""
        if self.base == "fixed":
            return "list[Any]" if self.fixed.startswith("[") else "dict[str, Any]"
        text = _ANNOTATIONS.get(self.base, self.base)
        for is_list in (self.several, self.repeated):
            text = f"list[{text}]" if is_list else text
        return text

    def __str__(self) -> str:
        if self.base == "fixed":
            return f"fixed:{self.fixed}"
        if self.separator:
            return f"split:{self.separator}"
        text = f"tuple[{self.base}]" if self.several else self.base
        text = f"list[{text}]" if self.repeated else text
        return text + "!" if self.fills_empty else text


def _base(given: Any) -> Base:
    if isinstance(given, JSONTypeClass):
        return "json"
    if isinstance(given, FilePathClass):
        return "file"
    if given in (int, float, bool):
        return _PYTHON_TYPES[given]
    for click_type, base in _CLICK_TYPES.items():
        if isinstance(given, click_type):
            return base
    return "str"
