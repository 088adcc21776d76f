"""The command blocks of the docs do what the docs show.

A block fenced as ``console`` has commands after ``$ ``, continued by a backslash, and the output
that the reader sees: ``...`` stands for any text, and what Metaflow prints before each command is
not shown. A command must succeed; output that a block does not show is not compared. The blocks of
a page run in order, in one shell, in a folder that has the examples, the flows of ``flows/`` beside
this file, and each Python block of the page that begins with a comment of its file's name. A block
after ``<!-- not run: why -->`` is left out, and ``NOT_RUN`` lists all of them.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
PAGES = {
    path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8")
    for path in sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
}
STOPPED = "it runs until it is stopped"
INSTALLED = "the tests have an environment"
NOT_RUN = {
    ("README.md", STOPPED): 1,
    ("README.md", INSTALLED): 1,
    ("README.md", "tests/package/test_demo.py runs it"): 1,
    ("docs/getting-started.md", INSTALLED): 1,
    ("docs/getting-started.md", STOPPED): 1,
    ("docs/deploy.md", INSTALLED): 2,
    ("docs/deploy.md", STOPPED): 1,
    ("docs/deploy.md", f"{STOPPED}; tests/deploy/test_server.py starts both"): 1,
    ("docs/deploy.md", f"{STOPPED}; tests/engines starts such workers"): 2,
    ("docs/examples/chain.md", f"{STOPPED}; tests/events/test_example_chain.py runs the chain"): 1,
    ("docs/examples/chain.md", "it needs the daemon of the block before"): 1,
    ("docs/guides/cards.md", f"{STOPPED}; tests/runtime/test_card_server.py starts it"): 1,
    (
        "docs/guides/environments.md",
        "it needs micromamba and the network; tests/runtime/test_environments.py has a stand-in",
    ): 1,
    ("docs/guides/events.md", "it needs a webserver; tests/events/test_publish.py has one"): 1,
    ("docs/guides/operate.md", "it needs a webserver; tests/deploy/test_webserver.py has one"): 1,
}
# The part of Dagster's daemon that a page needs: runs that are launched start at once.
AT_ONCE = {"module": "dagster._core.run_coordinator", "class": "DefaultRunCoordinator"}
SETTINGS = {"telemetry": {"enabled": False}, "run_coordinator": AT_ONCE}
# Single flows, which tests/differential/test_examples.py runs too, and what has tests elsewhere.
SLOW = {
    *(
        f"docs/examples/{name}.md"
        for name in (
            "compute",
            "hyperparameters",
            "index",
            "nested-foreach",
            "project",
            "quality-gate",
            "resume",
        )
    ),
    "docs/guides/flows-folder.md",
    "docs/guides/resume.md",
}
_BLOCK = re.compile(
    r"(<!-- not run: (?P<why>[^\n]+) -->\n\n?)?^```console\n(?P<text>.*?)^```$", re.M | re.S
)
_FILE = re.compile(r"^```python\n(?P<text># (?P<name>\S+\.py)\n.*?)^```$", re.M | re.S)
_GREETING = re.compile(
    r"^Metaflow \S+ executing .*\n(Creating local datastore .*\n)?"
    r"(Validating your flow\.\.\.\n.*\nRunning pylint\.\.\.\n.*\n)?(Including file .*\n)?",
    re.MULTILINE,
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
    printed = _GREETING.sub("", printed)
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

    greeting = "Metaflow 2.19 executing A for user:b\n"
    checks = "Validating your flow...\n  good\nRunning pylint...\n  none\n"
    assert matches("done\n", f"{greeting}{checks}done\n")


def test_what_is_not_run_is_listed():
    found = Counter(
        (page, block["why"])
        for page, text in PAGES.items()
        for block in _BLOCK.finditer(text)
        if block["why"]
    )
    assert found == NOT_RUN


def test_every_command_is_in_a_block_that_is_run():
    """Blocks without a language, of shells, or indented ones would not be looked at."""
    for page, text in PAGES.items():
        languages = re.findall(r"^```(\w*)\n.*?^```$", text, re.MULTILINE | re.DOTALL)
        assert not {"", "bash", "sh", "shell"} & set(languages), page
        prose = re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
        assert not re.findall(r"^    (?:\$|python|dagster|dg|pip|make) .*", prose, re.M), page


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Metaflow's part of the code package is compressed once."""
    return tmp_path_factory.mktemp("cache")


@pytest.mark.parametrize(
    "page",
    [
        pytest.param(page, marks=[pytest.mark.slow] if page in SLOW else [])
        for page, text in PAGES.items()
        if commands(text)
    ],
)
def test_page(page: str, tmp_path: Path, cache: Path) -> None:
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    shutil.copytree(ROOT / "examples" / "dg_project" / "flows", tmp_path / "flows")
    shutil.copytree(HERE / "flows", tmp_path, dirs_exist_ok=True)
    for block in _FILE.finditer(PAGES[page]):
        file = tmp_path / block["name"]
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(block["text"])
    (tmp_path / "metaflow").mkdir()
    (tmp_path / "metaflow" / "config_prod.json").write_text("{}")
    for home in ("dagster_home", "examples/dagster_home"):
        (tmp_path / home).mkdir()
        (tmp_path / home / "dagster.yaml").write_text(json.dumps(SETTINGS))
    todo = commands(PAGES[page])
    script = ["set -e"]
    for number, command in enumerate(todo):
        script += [f"echo '{_MARK % number}'", command.text]
    env = {k: v for k, v in os.environ.items() if not k.startswith(("METAFLOW_", "DAGSTER_"))}
    env |= {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "USER": "reader",
        "HOME": str(tmp_path),
        "METAFLOW_HOME": str(tmp_path / "metaflow"),
        "METAFLOW_DAGSTER_CACHE": str(cache),
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
