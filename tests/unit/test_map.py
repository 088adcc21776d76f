"""The table of folders in CONTRIBUTING.md, held against what the code imports."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src/metaflow_extensions/dagster"
PACKAGE = ["metaflow_extensions", "dagster"]
GROUND_FLOOR = {"contract", "errors", "streams", "process_end", "version"}
ROW = re.compile(r"^\| `(\w+)` \| (?P<does>.+?) \| (?P<uses>.*?) ?\|$", re.MULTILINE)


def table() -> dict[str, set[str]]:
    text = (ROOT / "CONTRIBUTING.md").read_text()
    return {row[1]: set(re.findall(r"`(\w+)`", row["uses"])) for row in ROW.finditer(text)}


def rooms() -> list[str]:
    return sorted(p.name for p in SOURCE.iterdir() if p.is_dir() and any(p.glob("*.py")))


def used_by(room: str) -> set[str]:
    """The other rooms, and modules of the ground floor, that a room's modules import."""
    found: set[str] = set()
    for path in (SOURCE / room).rglob("*.py"):
        package = [*PACKAGE, *path.relative_to(SOURCE).parent.parts]
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.ImportFrom):
                continue
            start = package[: len(package) - node.level + 1] if node.level else []
            module = [*start, *(node.module or "").split(".")] if node.module else start
            names = [module] if node.module else [[*module, alias.name] for alias in node.names]
            names = [[*module, alias.name] for alias in node.names] if module == PACKAGE else names
            found |= {name[2] for name in names if name[:2] == PACKAGE and len(name) > 2}
    return found - {room}


def test_the_table_names_every_folder() -> None:
    assert sorted(table()) == rooms()


@pytest.mark.parametrize("room", rooms())
def test_a_folder_uses_what_the_table_says(room: str) -> None:
    allowed = table()[room]
    used = used_by(room) - GROUND_FLOOR
    if room not in ("runtime", "executor"):
        # The warm server looks at the one module that every task of Metaflow loads anyway.
        used -= {"_metaflow_internals"}
    assert used == allowed


TASK = re.compile(
    r"^\| [a-z].+? \| (?P<change>.+?) \| (?P<tests>[^|]*`tests/[^|]*) \|$", re.MULTILINE
)


def test_the_files_to_change_are_there() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text()
    named = [
        *(
            (ROOT if name.startswith("docs/") else SOURCE) / name
            for row in TASK.finditer(text)
            for name in paths(row["change"])
        ),
        *(ROOT / name for row in TASK.finditer(text) for name in paths(row["tests"])),
    ]
    assert len(named) > 20
    assert [path for path in named if not path.exists()] == []


def paths(cell: str) -> list[str]:
    return [name for name in re.findall(r"`([\w./]+)`", cell) if "/" in name]
