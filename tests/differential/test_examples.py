"""The flows of the gallery (docs/examples.md) do in Dagster what they do natively."""

from __future__ import annotations

from pathlib import Path

import pytest

from .cases import Case
from .conftest import Check

EXAMPLES = Path(__file__).parents[2] / "examples"


def example(name: str, *arguments: object, **facts: object) -> Case:
    return Case(str(EXAMPLES / f"{name}_flow.py"), *arguments, **facts)  # type: ignore[arg-type]


CASES = [
    example("hyperparameters", {"rates": [0.01, 0.02]}),
    example("nested"),
    example("quality_gate"),
    example("quality_gate", {"allowed": 0.1}),
    example("daily", {"who": "moon"}),
    example("chain_features", {"limit": 3}),
    example("chain_report"),
    example("resume", {"divisor": 2}),
    example("project", top_options=("--branch", "test_1")),
    example("compute"),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_example(check: Check, case: Case) -> None:
    check(case)


def test_all_are_in_the_gallery() -> None:
    page = (EXAMPLES.parent / "docs" / "examples.md").read_text(encoding="utf-8")
    missing = [
        path.name for path in EXAMPLES.glob("*.py") if f"(../examples/{path.name})" not in page
    ]
    assert not missing
