"""The flows of the gallery (docs/examples) do in Dagster what they do natively."""

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
    example("quality_gate", {"allowed": 0.1}, create_options=("--asset-check=start.is_good",)),
    example("daily", {"who": "moon"}),
    example("sales", {"day": "2026-02-03"}, create_options=("--partition=day=daily:2026-01-01",)),
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
    docs = EXAMPLES.parent / "docs"
    pages = [docs / "getting-started.md", *(docs / "examples").glob("*.md")]
    text = "".join(page.read_text(encoding="utf-8") for page in pages)
    flows = [path.relative_to(EXAMPLES).as_posix() for path in EXAMPLES.rglob("*_flow.py")]
    assert len(flows) > 12
    missing = [flow for flow in flows if f"examples/{flow})" not in text]
    assert not missing
