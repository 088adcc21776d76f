"""The command blocks of the docs do what the docs show.

A block fenced as ``console`` has commands after ``$ ``, continued by a backslash, and the output
that the reader sees: ``...`` stands for any text. A command must succeed; output that a block does
not show is not compared. The blocks of a page run in order, in one shell, in a folder that has
the examples. A block after a comment ``<!-- not run: why -->`` is left out.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = (
    "getting-started.md",
    "examples.md",
    "guides/migrate/older-metaflow-dagster.md",
    "guides/migrate/shell-job.md",
)
_BLOCK = re.compile(
    r"(<!-- not run: (?P<why>[^\n]+) -->\n\n?)?^```console\n(?P<text>.*?)^```$", re.M | re.S
)
_MARK = "-- command %d of the page --"
_SECONDS = 300


@dataclass(frozen=True)
class Command:
    """What a reader types, and what the page shows then."""

    text: str
    output: str


def commands(markdown: str) -> list[Command]:
    """The commands of a page that are to be run."""
    found: list[Command] = []
    for block in _BLOCK.finditer(markdown):
        if not block["why"]:
            for text, output in re.findall(
                r"^\$ ((?:.*\\\n)*.*\n)((?:(?!\$ ).*\n)*)", block["text"], re.MULTILINE
            ):
                found.append(Command(text.strip(), output))
    return found


def matches(shown: str, printed: str) -> bool:
    """Whether the output that a page shows, with ``...`` for any text, is what was printed."""
    pattern = ".*".join(re.escape(part.strip()) for part in shown.split("..."))
    return bool(re.fullmatch(rf"\s*{pattern}\s*", printed, re.DOTALL))


def test_commands_of_a_page():
    page = (
        "```console\n$ cat a \\\n    b\n1\n$ true\n```\n\n"
        "<!-- not run: it never ends -->\n\n```console\n$ sleep inf\n```\n"
    )
    assert commands(page) == [Command("cat a \\\n    b", "1\n"), Command("true", "")]


def test_matches():
    assert matches("a\n...\nz\n", "a\nb\nz\n")
    assert not matches("a\n", "a\nb\n")


@pytest.mark.parametrize("page", PAGES)
def test_page(page, tmp_path):
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    todo = commands((DOCS / page).read_text(encoding="utf-8"))
    assert todo
    script = ["set -e"]
    for number, command in enumerate(todo):
        script += [f"echo '{_MARK % number}'", command.text]
    env = {k: v for k, v in os.environ.items() if not k.startswith(("METAFLOW_", "DAGSTER_"))}
    env |= {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "USER": "reader",
        "HOME": str(tmp_path),
        "METAFLOW_HOME": str(tmp_path / "metaflow"),
        "DAGSTER_DISABLE_TELEMETRY": "yes",
    }
    done = subprocess.run(
        ["bash", "-c", "\n".join(script)],
        cwd=tmp_path,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=_SECONDS,
    )
    printed = re.split(_MARK.replace("%d", r"\d+") + "\n", done.stdout)[1:]
    assert done.returncode == 0, f"{todo[len(printed) - 1].text}\n{done.stdout[-4000:]}"
    for command, output in zip(todo, printed, strict=True):
        if command.output:
            assert matches(command.output, output), f"$ {command.text}\n{output}"
