"""The command blocks of the docs do what the docs show, as :mod:`docs.pages` reads them.

A page's shell starts in a folder that has the examples, the flows of ``flows/`` beside this file,
and the files that the page shows. ``micromamba`` is a stand-in, which downloads nothing.
``NOT_RUN`` lists the blocks that are left out.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from support import micromamba
from support.processes import free_port, needed

from docs.pages import Block, Command, blocks, files, outputs, script

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
PAGES = {
    path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8")
    for path in sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
}
INSTALLED = "tests/package/test_install.py runs it"
NOT_RUN = {
    ("README.md", INSTALLED): 1,
    ("README.md", "tests/package/test_demo.py runs it"): 1,
    ("docs/getting-started.md", INSTALLED): 1,
    ("docs/deploy.md", INSTALLED): 2,
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
    "docs/guides/parameters.md",
    "docs/guides/migrate/argo-and-step-functions.md",
    "docs/guides/resume.md",
}
_GREETING = re.compile(
    r"^Metaflow \S+ executing .*\n(Creating local datastore .*\n)?"
    r"(Validating your flow\.\.\.\n.*\nRunning pylint\.\.\.\n.*\n)?(Including file .*\n)?",
    re.MULTILINE,
)
_SECONDS = 300
# Where pages say that servers are. In a test, each of these ports is a free one of this machine.
_PORTS = ("3000", "8324", "8786", "6379")
_HOSTS = r"(?<=//)(?:scheduler|redis)(?=:)"
_DATABASE = "postgresql+psycopg2://dagster:...@db/dagster"


def matches(shown: str, printed: str) -> bool:
    """Whether the output that a page shows, with ``...`` for any text, is what was printed."""
    printed = _GREETING.sub("", printed)
    pattern = ".*".join(re.escape(part.strip()) for part in shown.split("..."))
    return bool(re.fullmatch(rf"\s*{pattern}\s*", printed, re.DOTALL))


def to_run(page: str, *, servers: bool) -> list[Block]:
    """The blocks of a page; those that need servers only on request."""
    run = [block for block in blocks(PAGES[page]) if block.not_run is None]
    return [block for block in run if servers or not block.needs_servers]


def test_blocks_of_a_page():
    page = (
        "```console\n$ cat a \\\n    b\n1\n$ true\n```\n\n"
        "<!-- not run: it never ends -->\n\n```console\n$ sleep inf\n```\n"
        "<!-- while it runs: dagster dev -->\n\n```console\n$ curl localhost\n```\n"
    )
    cat, sleep, curl = blocks(page)
    assert cat == Block((Command("cat a \\\n    b", "1\n"), Command("true", "")))
    assert not cat.needs_servers
    assert sleep.not_run == "it never ends"
    assert curl.during == "dagster dev"
    assert curl.needs_servers
    assert Command("DAGSTER_HOME=$PWD dagster dev -f defs.py", "").ready


def test_matches():
    assert matches("a\n...\nz\n", "a\nb\nz\n")
    assert not matches("a\n", "a\nb\n")

    greeting = "Metaflow 2.19 executing A for user:b\n"
    checks = "Validating your flow...\n  good\nRunning pylint...\n  none\n"
    assert matches("done\n", f"{greeting}{checks}done\n")


def test_what_is_not_run_is_listed():
    found = Counter(
        (page, block.not_run)
        for page, text in PAGES.items()
        for block in blocks(text)
        if block.not_run is not None
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


def pages_to_test():
    """Pages, without and with what needs servers, which is slow."""
    for page in PAGES:
        if to_run(page, servers=False):
            slow = [pytest.mark.slow] if page in SLOW else []
            yield pytest.param(page, False, id=page, marks=slow)
        if any(block.needs_servers for block in to_run(page, servers=True)):
            yield pytest.param(page, True, id=f"{page} with servers", marks=pytest.mark.slow)


@pytest.mark.parametrize(("page", "servers"), list(pages_to_test()))
def test_page(
    page: str, servers: bool, tmp_path: Path, cache: Path, request: pytest.FixtureRequest
) -> None:
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    shutil.copytree(ROOT / "examples" / "dg_project" / "flows", tmp_path / "flows")
    shutil.copytree(HERE / "flows", tmp_path, dirs_exist_ok=True)
    for name, text in files(PAGES[page]).items():
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    (tmp_path / "metaflow").mkdir()
    (tmp_path / "metaflow" / "config_prod.json").write_text("{}")
    for home in ("dagster_home", "examples/dagster_home"):
        (tmp_path / home).mkdir()
        (tmp_path / home / "dagster.yaml").write_text(json.dumps(SETTINGS))
    todo = to_run(page, servers=servers)
    program = script(todo)
    ports = {port: str(free_port()) for port in _PORTS}
    program = re.sub(_HOSTS, "127.0.0.1", program)
    program = re.sub(rf"(?<=[: ])({'|'.join(ports)})\b", lambda port: ports[port[0]], program)
    if _DATABASE in program:
        program = program.replace(_DATABASE, request.getfixturevalue("postgres"))
    if "redis-server" in program:
        needed("redis-server", "redis-server")
    programs = [tmp_path / "bin", Path(sys.executable).parent]
    micromamba.install(programs[0])
    env = {k: v for k, v in os.environ.items() if not k.startswith(("METAFLOW_", "DAGSTER_"))}
    env |= {
        "PATH": os.pathsep.join([*map(str, programs), os.environ["PATH"]]),
        "STANDIN_ROOT": str(tmp_path / "conda"),
        "STANDIN_LOG": os.devnull,
        "STANDIN_VERSION": "1.5",
        "USER": "reader",
        "HOME": str(tmp_path),
        "METAFLOW_HOME": str(tmp_path / "metaflow"),
        "METAFLOW_DAGSTER_CACHE": str(cache),
        "DAGSTER_DISABLE_TELEMETRY": "yes",
        # Where commands do not say, as options.
        "DAGSTER_WEBSERVER_PORT": ports["3000"],
        "METAFLOW_DAGSTER_CARDS_PORT": ports["8324"],
    }
    try:
        done = subprocess.run(
            ["bash", "-c", program],
            cwd=tmp_path,
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=_SECONDS,
        )
    finally:
        with contextlib.suppress(FileNotFoundError):
            for pid in (tmp_path / "servers.pids").read_text().split():
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(int(pid), signal.SIGKILL)
    printed = done.stdout
    for port, free in ports.items():
        printed = printed.replace(f":{free}", f":{port}")
    commands = [command for block in todo for command in block.commands]
    results = outputs(printed)
    assert done.returncode == 0, f"{commands[len(results) - 1].text}\n{printed[-4000:]}"
    for command, output in zip(commands, results, strict=True):
        if command.output:
            assert matches(command.output, output), f"$ {command.text}\n{output}"
