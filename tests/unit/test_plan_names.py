"""Names that Dagster or Python reserves, and names that only differ in what we add."""

from __future__ import annotations

import pytest

from metaflow_extensions.dagster.plan.names import safe_name, safe_names


@pytest.mark.parametrize(
    ("name", "safe"),
    [("train", "train"), ("type", "type_"), ("list", "list_"), ("async", "async_"), ("x_", "x_")],
)
def test_safe_name(name: str, safe: str) -> None:
    assert safe_name(name) == safe


@pytest.mark.parametrize(
    ("names", "safe"),
    [
        (["a", "type"], ["a", "type_"]),
        (["type", "type_"], ["type__", "type_"]),
        (["type", "type__", "str"], ["type___", "type__", "str_"]),
    ],
)
def test_names_stay_distinct(names: list[str], safe: list[str]) -> None:
    assert safe_names(names) == dict(zip(names, safe, strict=True))
