"""Names of jobs and in generated files: what Dagster and Python reserve, how we step around it."""

from __future__ import annotations

import builtins
import hashlib
import keyword
import re
from collections.abc import Iterable

# dagster/_core/definitions/utils.py, DISALLOWED_NAMES, together with Python's keywords.
DAGSTER_RESERVED = frozenset(
    [
        "context",
        "conf",
        "config",
        "meta",
        "arg_dict",
        "dict",
        "input_arg_dict",
        "output_arg_dict",
        "int",
        "str",
        "float",
        "bool",
        "input",
        "output",
        "type",
    ]
)
_VALID = re.compile(r"^[A-Za-z0-9_]+$")


def safe_name(name: str) -> str:
    """A name usable as a Python variable and as a Dagster input or output.

    Builtins are avoided too, so that no generated function hides one.
    """
    if name in DAGSTER_RESERVED or keyword.iskeyword(name) or hasattr(builtins, name):
        return name + "_"
    return name


def safe_names(names: Iterable[str]) -> dict[str, str]:
    """:func:`safe_name` of each of some names that must stay distinct.

    A name that is changed ends in more underscores than any other that begins like it, which is
    how a generated file finds it again (``_chosen`` in runtime/step.py).
    """
    names = list(names)
    return {
        name: name
        if safe_name(name) == name
        else max((other for other in names if other.rstrip("_") == name), key=len) + "_"
        for name in names
    }


def is_valid_dagster_name(name: str) -> bool:
    """Whether Dagster takes ``name`` for a job, and Python for the function that defines it."""
    return (
        bool(_VALID.match(name))
        and name.isidentifier()
        and name not in DAGSTER_RESERVED
        and not keyword.iskeyword(name)
    )


def job_name_of(name: str) -> str:
    """The default name of a job, by the name that Metaflow gives its flow, such as ``p.prod.F``.

    The flow's name; in a project ``<project>__<branch>__<flow>``, so that no two collide. Metaflow
    joins the parts with dots (``project_flow_name``, metaflow/plugins/project_decorator.py), which
    Dagster refuses. Where the parts could be read in two ways after that, or hold other characters
    that Dagster refuses, a short hash of the name is added.
    """
    parts = [re.sub("[^A-Za-z0-9_]", "_", part) for part in name.split(".")]
    job_name = "__".join(parts)
    ambiguous = any("__" in part or part.strip("_") != part for part in parts)
    if len(parts) > 1 and (ambiguous or parts != name.split(".")):
        job_name += "_" + hashlib.sha1(name.encode()).hexdigest()[:6]
    return job_name


class Namespace:
    """Hands out names that are not taken yet, by adding underscores."""

    def __init__(self, taken: set[str] | None = None) -> None:
        self._taken = set(taken or ())

    def claim(self, wanted: str) -> str:
        """``wanted``, or the first free variation of it."""
        name = safe_name(wanted)
        while name in self._taken:
            name += "_"
        self._taken.add(name)
        return name
