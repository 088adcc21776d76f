"""Parameter values as arguments of Metaflow's ``init`` command."""

import json
from collections.abc import Mapping
from typing import Any


def parameter_arguments(
    values: Mapping[str, Any], kinds: Mapping[str, str]
) -> tuple[list[str], dict[str, str]]:
    """Arguments and environment variables that give ``init`` its parameters.

    None leaves a parameter out: Metaflow then applies the parameter's own static default.

    Args:
        values: Values by Metaflow's names of the parameters.
        kinds: How each parameter is given: "str", "int", "float", "bool", "json" (text, or data
            to be dumped), "file" (a path or a descriptor), "list[...]" (a repeated option),
            "split:..." (text that Metaflow takes apart there),
            "tuple[...]" (an option of several values), "flag" and "count" (options without a
            value, set by environment variables), "fixed:<JSON>" (its only possible value). A
            final "!" means that an empty list cannot be given.

    Raises:
        TypeError: A value is not of its kind; the text names the parameter.
    """
    args: list[str] = []
    env: dict[str, str] = {}
    for name, value in values.items():
        kind = kinds[name]
        if value is None:
            continue
        if kind.startswith("fixed:"):
            if value != json.loads(kind[len("fixed:") :]):
                raise TypeError(
                    f"Parameter {name!r} keeps its default: Metaflow reads a list or dict from "
                    "the command line only with type=JSONType."
                )
        elif kind in ("flag", "count"):
            env["METAFLOW_INIT_" + name.replace("-", "_").upper()] = _text(name, kind, value)
        elif kind.startswith("list["):
            if not isinstance(value, (list, tuple)):
                raise TypeError(f"Parameter {name!r} takes a list, not {value!r:.100}.")
            if not value and kind.endswith("!"):
                raise TypeError(f"Parameter {name!r} takes at least one value.")
            for entry in value:
                args += _option(name, kind[len("list[") :].rstrip("!")[:-1], entry)
        else:
            args += _option(name, kind, value)
    return args, env


def _option(name: str, kind: str, value: Any) -> list[str]:
    """``--name=value``, or ``--name=value1 value2`` for an option of several values."""
    if not kind.startswith("tuple["):
        return [f"--{name}={_text(name, kind, value)}"]
    if not isinstance(value, (list, tuple)) or not value:
        raise TypeError(f"Parameter {name!r} takes a list of values, not {value!r:.100}.")
    first, *rest = (_text(name, kind[len("tuple[") : -1], entry) for entry in value)
    return [f"--{name}={first}", *rest]


def _text(name: str, kind: str, value: Any) -> str:
    """One value as click reads it back."""
    if kind == "json":
        return _json_text(name, value)
    accepted: dict[str, tuple[type, ...]] = {
        "int": (int,),
        "count": (int,),
        "float": (float, int),
        "bool": (bool,),
        "flag": (bool,),
    }
    is_bool = isinstance(value, bool) and kind not in ("bool", "flag")
    if is_bool or not isinstance(value, accepted.get(kind, (str,))):
        expected = {
            "int": "a whole number",
            "count": "a whole number",
            "float": "a number",
        }
        expected |= {"bool": "true or false", "flag": "true or false"}
        takes = expected.get(kind, "text")
        raise TypeError(f"Parameter {name!r} takes {takes}, not {value!r:.100}.")
    return value if isinstance(value, str) else repr(value)


def _json_text(name: str, value: Any) -> str:
    """A string is JSON already; data is dumped."""
    try:
        if isinstance(value, str):
            json.loads(value)
            return value
        return json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError) as error:
        raise TypeError(f"Parameter {name!r} takes JSON, not {value!r:.100} ({error}).") from error
