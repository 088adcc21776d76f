"""Parameters arrive in every task as they do natively."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from . import runs
from .cases import Case
from .conftest import Check

VALUES: dict[str, Any] = {
    "text": "ü 'single' \"double\" $HOME `x` \\ \U0001f600\n\tnext line",
    "empty": "not so",
    "nothing": "something",
    "no_number": -1,
    "number": 0,
    "big": -(2**60),
    "ratio": -0.0001220703125,
    "whole": 3.0,
    "yes": False,
    "no": True,
    "names": "one,two, three ,",
    "many": ("a b", "c,d", ""),
    "numbers": (3,),
    "data": {"n": [1, 2.5, None, True], "ü": {"deep": "it's"}},
    "data_text": [1, "two"],
    "max-n": 6,
    "lambda": "λ",
    "retry_count": 1,
    "schema": "t",
    "deployed": "chosen",
    "deployed_number": 1,
    "notes": str(runs.FLOWS / "parameters.py"),
    "raw": str(runs.FLOWS / "tracing.py"),
}
CASES = {
    "defaults": Case("parameters"),
    "values": Case("parameters", VALUES, own_process=True),
    "json as text": Case("parameters", {"data": {"a": 1}}, config={"data": '{"a": 1}'}),
    "long text": Case("parameters", {"text": "x$'\"ü\n" * 14_000}),
    "long json": Case("parameters", {"data": ["x$'\"ü" * 5_000]}),
}


@pytest.mark.parametrize("name", CASES)
def test_parameters(check: Check, name: str) -> None:
    check(CASES[name])


@pytest.mark.parametrize(
    ("name", "value"),
    [("number", "many"), ("ratio", "high"), ("yes", "maybe"), ("many", 1), ("lambda", [])],
)
def test_a_value_of_a_wrong_type_is_refused_before_any_step(
    tmp_path: Path,
    reader: runs.Reader,
    launcher: runs.Launcher,
    dagster_home: Path,
    name: str,
    value: Any,
) -> None:
    case = Case("parameters", {name: value})
    with pytest.raises(AssertionError, match="There is no Dagster run") as caught:
        runs.run_dagster(case, tmp_path / "run", reader, launcher, dagster_home, "default")
    assert f"config:{name}" in str(caught.value)


def test_a_required_parameter_is_required(
    tmp_path: Path, reader: runs.Reader, launcher: runs.Launcher, dagster_home: Path
) -> None:
    flow = (runs.FLOWS / "parameters.py").read_text()
    path = tmp_path / "parameters.py"
    path.write_text(flow.replace('"no_number", type=int', '"no_number", type=int, required=True'))
    case = Case(str(path))
    with pytest.raises(AssertionError, match="There is no Dagster run") as caught:
        runs.run_dagster(case, tmp_path / "run", reader, launcher, dagster_home, "default")
    assert "no_number" in str(caught.value)


def test_json_that_is_none(check: Check) -> None:
    check(Case("parameters", {"data": "null"}, config={"data": json.dumps(None)}))
