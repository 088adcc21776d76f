"""Python literals, rendered in one place so that quoting is decided once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import isfinite
from typing import Any


def literal(value: Any) -> str:
    """Source text of plain data, on one line and as formatters write it.

    Args:
        value: Strings, numbers, booleans, None, and lists, tuples or dicts of these.

    Raises:
        TypeError: ``value`` holds anything else, which a literal could not bring back.
    """
    if isinstance(value, bool) or value is None:
        return repr(value)
    if isinstance(value, str):
        return _string(value)
    if isinstance(value, float):
        return repr(value).replace("e+", "e") if isfinite(value) else f'float("{value}")'
    if isinstance(value, int):
        return repr(value)
    if type(value) is list:
        return "[" + ", ".join(map(literal, value)) + "]"
    if type(value) is tuple:
        return "(" + ", ".join(map(literal, value)) + ("," if len(value) == 1 else "") + ")"
    if type(value) is dict:
        return "{" + ", ".join(f"{literal(k)}: {literal(v)}" for k, v in value.items()) + "}"
    raise TypeError(f"{value!r} of type {type(value).__name__} cannot be written as a literal.")


def call(function: str, args: Iterable[str], options: Mapping[str, str] | None = None) -> str:
    """A call, of source texts: ``function(args, name=option)``."""
    return f"{function}({', '.join([*args, *(f'{k}={v}' for k, v in (options or {}).items())])})"


def _string(value: str) -> str:
    """In double quotes, unless single ones save escapes."""
    quote = "'" if value.count('"') > value.count("'") else '"'
    letters = (("\\" + c if c == quote else c) if c in "\"'" else repr(c)[1:-1] for c in str(value))
    return quote + "".join(letters) + quote
