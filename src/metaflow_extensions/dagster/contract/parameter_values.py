"""Fields of an event's payload, and keys of partitions, as parameter values."""

from __future__ import annotations

import json
import math
from typing import Any

# What click takes for a boolean, without regard to case (click/types.py).
_BOOLEANS = dict.fromkeys(["true", "t", "1", "yes", "y"], True) | dict.fromkeys(
    ["false", "f", "0", "no", "n"], False
)


def config_value(kind: str, value: Any) -> Any:
    """A field as the run config takes it; text is read as on a command line.

    Args:
        kind: An entry of PARAMETER_KINDS.
        value: Plain data, not None.

    Raises:
        TypeError, ValueError: The value does not fit; the text says what would.
    """
    if kind.startswith("fixed:"):
        if value == json.loads(kind[len("fixed:") :]):
            return value
        raise ValueError(f"it keeps its default, which {_shown(value)} is not")
    if kind.startswith(("list[", "tuple[")):
        return _list_value(kind, value)
    if kind.startswith("split:"):
        return _joined(kind[len("split:") :], value)
    if kind == "json":
        _from_json(value)
        return value
    if kind in ("int", "count"):
        return _int_value(value)
    if kind == "float":
        return _float_value(value)
    if kind in ("bool", "flag"):
        return _bool_value(value)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _joined(separator: str, value: Any) -> str:
    """A list as the text that Metaflow takes apart into the same list."""
    if not isinstance(value, list):
        return config_value("str", value)
    parts = [config_value("str", part) for part in value]
    text = separator.join(parts)
    if text.split(separator) != parts:
        raise ValueError(
            f"it takes values without {separator!r}, at least one, not {_shown(value)}"
        )
    return text


def _list_value(kind: str, value: Any) -> list[Any]:
    value = _from_json(value)
    if not isinstance(value, list):
        raise TypeError(f"it takes a list, not {_shown(value)}")
    if not value and (kind.endswith("!") or kind.startswith("tuple[")):
        raise ValueError("it takes at least one value")
    entry_kind = kind.split("[", 1)[1].rstrip("!")[:-1]
    return [config_value(entry_kind, entry) for entry in value]


def _from_json(value: Any) -> Any:
    """Text as the data that it spells; data as it is."""
    try:
        return json.loads(value) if isinstance(value, str) else value
    except ValueError as error:
        raise ValueError(f"it takes JSON, not {_shown(value)}") from error


def _int_value(value: Any) -> int:
    problem = f"it takes a whole number, not {_shown(value)}"
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise TypeError(problem)
    try:
        number = int(value)
    except (ValueError, OverflowError) as error:
        raise ValueError(problem) from error
    if isinstance(value, float) and number != value:
        raise ValueError(problem)
    return number


def _float_value(value: Any) -> float:
    problem = f"it takes a finite number, not {_shown(value)}"
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise TypeError(problem)
    try:
        number = float(value)
    except (ValueError, OverflowError) as error:
        raise ValueError(problem) from error
    if not math.isfinite(number):
        raise ValueError(problem)
    return number


def _bool_value(value: Any) -> bool:
    known = value if isinstance(value, bool) else _BOOLEANS.get(str(value).lower())
    if known is None:
        raise ValueError(f"it takes true or false, not {_shown(value)}")
    return known


def _shown(value: Any) -> str:
    return f"{value!r:.100}"
