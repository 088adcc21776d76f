"""What Dagster shows of artifacts, by type, size and name."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from metaflow_extensions.dagster.contract import item_label
from metaflow_extensions.dagster.step.artifacts import (
    describe_artifacts,
    values_at_hand,
)


class Scalar:
    """As numpy's scalars are, which are not installed here."""

    ndim = 0

    def __init__(self, value: Any) -> None:
        self.value = value

    def item(self) -> Any:
        return self.value


Scalar.__module__ = "numpy"


def described(value: Any, name: str = "x", size: int = 10, kind: str = "") -> list[Any]:
    kind = kind or f"{type(value).__module__}.{type(value).__name__}".removeprefix("builtins.")
    task: Any = SimpleNamespace(
        _info={name: {"type": f"<class '{kind}'>", "size": size}, "_own": {}},
        parent_datastore=SimpleNamespace(flow_name="Flow"),
    )
    return describe_artifacts(task, {name: value}, hidden=())[name]


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (1, 1),
        (True, True),
        (None, None),
        (0.5, 0.5),
        ("text", "text"),
        ((1, 2), [1, 2]),
        ({"a": [1]}, {"a": [1]}),
        (float("inf"), "inf"),
        (2**53, str(2**53)),
        (Scalar(0.25), 0.25),
        (Scalar(float("nan")), "nan"),
    ],
)
def test_small_plain_values_are_shown(value: Any, shown: Any) -> None:
    assert described(value)[2:] == [shown]


@pytest.mark.parametrize(
    ("value", "about"),
    [
        ({"a": {1, 2}}, {}),
        ([float("nan")], {}),
        ("x", {"size": 513}),
        ("x", {"kind": "pandas.DataFrame"}),
        ("x", {"name": "api_key"}),
        ({"a": 1}, {"name": "db_password"}),
    ],
)
def test_of_others_type_and_size_are_shown(value: Any, about: dict[str, Any]) -> None:
    kind, size, *values = described(value, **about)
    assert (bool(kind), size, values) == (True, about.get("size", 10), [])


def test_a_number_is_shown_whatever_it_is_called() -> None:
    assert described(7, name="tokens")[2:] == [7]


def test_only_what_may_be_shown_is_kept_at_hand() -> None:
    flow = SimpleNamespace(a=1, b="x" * 600, c=object(), _own=2, d=[1])
    assert values_at_hand(flow) == {"a": 1, "d": [1]}


def test_items_of_nested_foreaches_are_named_from_the_outside() -> None:
    assert item_label([]) is None
    assert item_label([(1, None)]) is None
    assert item_label([(1, "eu"), (3, None)]) == "eu / 3"
