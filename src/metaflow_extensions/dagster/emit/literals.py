"""Python literals, rendered in one place so that quoting is decided once."""

from __future__ import annotations

from typing import Any

_WIDTH = 88


def literal(value: Any, indent: int = 0, before: int = 0) -> str:
    """Source text of plain data; containers too long for a line get one entry a line.

    Args:
        value: Strings, numbers, booleans, None, and lists, tuples or dicts of these.
        indent: Columns that the text is indented by, for the closing bracket.
        before: Columns taken on the first line by what stands before the text.

    Raises:
        TypeError: ``value`` holds anything else, which a literal could not bring back.
    """
    _check(value)
    text = _quoted(value)
    if (
        len(text) + max(indent, before) <= _WIDTH
        or not isinstance(value, (list, tuple, dict))
        or not value
    ):
        return text
    pad = " " * (indent + 4)
    if isinstance(value, dict):
        rows = [_entry(_quoted(key), entry, indent + 4) for key, entry in value.items()]
    else:
        rows = [literal(v, indent + 4) for v in value]
    opening, closing = {dict: "{}", list: "[]", tuple: "()"}[type(value)]
    body = "".join(f"{pad}{row},\n" for row in rows)
    return f"{opening}\n{body}{' ' * indent}{closing}"


def _entry(key: str, value: Any, indent: int) -> str:
    return f"{key}: {literal(value, indent, indent + len(key) + 3)}"


def _quoted(value: Any) -> str:
    """``repr`` with double quotes where that needs no more escapes."""
    if isinstance(value, str):
        text = repr(value)
        if text.startswith("'") and '"' not in text:
            return '"' + text[1:-1] + '"'
        return text
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_quoted(k)}: {_quoted(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_quoted, value)) + "]"
    if isinstance(value, tuple):
        return "(" + ", ".join(map(_quoted, value)) + ("," if len(value) == 1 else "") + ")"
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        return f'float("{value}")'
    return repr(value)


def _check(value: Any) -> None:
    if value is None or isinstance(value, (str, int, float, bool)):
        return
    if type(value) in (list, tuple):
        for entry in value:
            _check(entry)
        return
    if type(value) is dict:
        for key, entry in value.items():
            _check(key)
            _check(entry)
        return
    raise TypeError(f"{value!r} of type {type(value).__name__} cannot be written as a literal.")
