"""What processes of ours agree on is written down once."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from metaflow_extensions.dagster.contract import ops, tags, variables

ROOT = Path(__file__).resolve().parents[2]
OURS = ROOT / "src/metaflow_extensions/dagster"
# Generated files show these names as text; and Python imports this before it has a path to us.
EMBEDDED = ("runtime/", "warm/site/sitecustomize.py")


def values(module: ModuleType) -> set[str]:
    return {value for name, value in vars(module).items() if name.isupper()}


def literals() -> Iterator[tuple[str, int, str]]:
    """Texts of code that are a tag, a variable or the beginning of a step key: not prose."""
    pattern = re.compile(r"metaflow/(\w+)?|[.]dagster/metaflow_\w*|METAFLOW_DAGSTER_\w*|op_")
    for path in sorted((ROOT / "src").rglob("*.py")):
        name = path.relative_to(OURS).as_posix() if OURS in path.parents else path.name
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                if pattern.fullmatch(node.value):
                    yield name, node.lineno, node.value


def test_tags_and_variables_are_typed_in_the_contract_only() -> None:
    elsewhere = [
        f"{name}:{line}: {text}"
        for name, line, text in literals()
        if not name.startswith(("contract/", *EMBEDDED))
    ]
    assert not elsewhere, "use metaflow_extensions.dagster.contract"


def test_what_is_embedded_says_the_same() -> None:
    known = values(tags) | values(variables) | {ops.op_key("")}
    unknown = [entry for entry in literals() if entry[2] not in known]
    assert not unknown


@pytest.mark.parametrize("module", [tags, variables])
def test_each_is_used_and_has_a_name_of_its_own(module: ModuleType) -> None:
    files = [p for p in (ROOT / "src").rglob("*.py") if "contract" not in p.parts]
    text = "\n".join(path.read_text(encoding="utf-8") for path in files)
    kind = module.__name__.rpartition(".")[2]
    names = {name: value for name, value in vars(module).items() if name.isupper()}
    unused = [
        name
        for name, value in names.items()
        if f"{kind}.{name}" not in text and f'"{value}' not in text
    ]
    assert not unused
    assert len(set(names.values())) == len(names)


def test_keys_of_ops() -> None:
    assert ops.op_key("train") == "op_train"
    assert ops.is_step_key("op_train[3]")
    assert not ops.is_step_key("collect_train")
    assert ops.task_label("op_train[3]") == "train[3]"
