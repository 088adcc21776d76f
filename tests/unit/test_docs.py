"""The documentation: links lead somewhere, and no option of the command line is missing."""

import os
import re
import shutil
import subprocess
import sys
from fnmatch import fnmatchcase
from pathlib import Path

import dagster
import metaflow
import pytest
from metaflow.plugins.argo.argo_workflows_cli import argo_workflows
from metaflow.plugins.aws.step_functions.step_functions_cli import step_functions
from support.needs import PLAIN_CONFIGS

from metaflow_extensions.dagster.cli.main import dagster as command_group
from metaflow_extensions.dagster.plan import settings
from metaflow_extensions.dagster.plan.cron import five_field_cron

ROOT = Path(__file__).parents[2]
PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]


def anchors(page):
    headings = re.findall(r"^#+ +(.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def clean_env(home):
    env = {k: v for k, v in os.environ.items() if not k.startswith(("METAFLOW_", "DAGSTER_"))}
    return env | {"USER": "tester", "METAFLOW_HOME": str(home)}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links(page):
    for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


@pytest.mark.parametrize(
    "page", sorted((ROOT / "docs/examples").glob("[!i]*.md")), ids=lambda p: p.stem
)
def test_each_example_has_a_picture(page):
    text = page.read_text(encoding="utf-8")
    assert "```mermaid" in text or "![" in text


def test_pictures_are_shown_and_can_be_taken_anew():
    """`make screenshots` takes them where a browser test calls ``picture``."""
    taken = re.findall(r'picture\("([\w-]+)"', (ROOT / "tests/browser/test_ui.py").read_text())
    shown = {
        name
        for page in PAGES
        for name in re.findall(r"images/([\w-]+)\.png\)", page.read_text(encoding="utf-8"))
    }
    there = {path.stem for path in (ROOT / "docs/images").iterdir()}
    assert shown == there == set(taken)
    assert {"graph", "launchpad", "run", "card", "lineage", "backfill"} <= shown


def test_options_are_documented():
    text = (ROOT / "docs/reference/options.md").read_text(encoding="utf-8")
    documented = set(re.findall(r"^\| `(--[a-z-]+)", text, re.MULTILINE))
    for option in command_group.commands["create"].params:
        if option.opts[0].startswith("--") and not getattr(option, "hidden", False):
            assert documented & set(option.opts), option.opts


def test_commands_are_documented():
    """With every option, except those that the page names for all commands."""
    text = (ROOT / "docs/reference/commands.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([a-z-]+)[^|]*` \| ([^|]+) \| ([^|]+) \|$", text, re.MULTILINE)
    documented = {name: set(re.findall(r"--[a-z-]+", f"{does} {own}")) for name, does, own in rows}
    everywhere = {"--name", "--url"}
    visible = {n: c for n, c in command_group.commands.items() if n != "create" and not c.hidden}
    assert documented.keys() == visible.keys()
    for name, command in visible.items():
        # Of a switch, the page shows the side that is not the default.
        options = {
            option.secondary_opts[0] if option.default and option.secondary_opts else option.opts[0]
            for option in command.params
            if option.opts[0].startswith("--") and not getattr(option, "hidden", False)
        }
        ours = documented[name] - ({"--json"} if "--json" not in options else set())
        assert ours - everywhere == options - everywhere, name
    without_url = {
        n for n, c in visible.items() if "--url" not in {o for p in c.params for o in p.opts}
    }
    assert without_url == set(re.findall("`(.+?)`", text.split("All but ")[1].split(" take ")[0]))


def test_settings_that_a_file_gets_are_documented():
    page = (ROOT / "docs/reference/options.md").read_text(encoding="utf-8")
    section = page.split("The file gets those")[1].split("\n\nIt never gets")[0]
    patterns = set(re.findall("`([A-Z0-9_*]+)`", section))
    for name in settings._BAKED:
        assert any(fnmatchcase(name, pattern) for pattern in patterns), name
    for pattern in patterns - {f"{settings._BAKED_PREFIX}*"}:
        assert any(fnmatchcase(name, pattern) for name in settings._BAKED), pattern


def test_errors_that_are_explained_are_printed():
    """Of Metaflow, Dagster, or this package: some words in a row are in a source."""
    text = (ROOT / "docs/troubleshooting.md").read_text(encoding="utf-8")
    shown = [
        message
        for title in re.findall(r"^\*\*(.+?)\*\*", text, re.MULTILINE)
        for message in re.findall(r"(`+)(.+?)\1(?!`)", title)
        if message[1].count(" ") > 1
    ]
    neighbours = [Path(module.__path__[0]) for module in (metaflow, dagster)]
    sources = "\n".join(
        re.sub(r"[\"']\s*\n\s*f?[\"']", "", path.read_text(encoding="utf-8"))
        for folder in (ROOT / "src", *neighbours)
        for path in folder.rglob("*.py")
    )
    assert len(shown) >= 8
    for _, message in shown:
        if "`plain`" in message and not PLAIN_CONFIGS.is_here:
            continue
        pieces = [piece.split() for piece in message.split("...")]
        runs = [
            " ".join(words[i : i + 3]) for words in pieces for i in range(max(1, len(words) - 2))
        ]
        assert any(run in sources for run in runs if " " in run), message


def test_variables_are_documented():
    """Every variable of ours, and of others that the sources read, and none that is no more."""
    names, ours = set(), re.compile(r"METAFLOW_DAGSTER_[A-Z_]*[A-Z]")
    others = re.compile(
        r"[\"'](DAGSTER_HOME|XDG_CACHE_HOME|METAFLOW_(?:HOME|USER|OWNER|PRODUCTION_TOKEN))[\"']"
        r"|[\"'](METAFLOW_RUNTIME_[A-Z]+)[\"']"
    )
    for source in (ROOT / "src").rglob("*.py"):
        text = source.read_text(encoding="utf-8")
        names.update(ours.findall(text))
        names.update(first or second for first, second in others.findall(text))
    page = (ROOT / "docs/reference/settings.md").read_text(encoding="utf-8")
    documented = set(re.findall(r"`([A-Z_]+)`", page))
    assert len(names) >= 20
    assert names <= documented
    assert set(filter(ours.match, documented)) <= names


@pytest.mark.parametrize("group", [argo_workflows, step_functions], ids=lambda group: group.name)
def test_migration_page_has_every_command_and_option(group):
    page = (ROOT / "docs/guides/migrate/argo-and-step-functions.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`(?:argo-workflows |step-functions )?([a-z-]+)", page))
    for name, command in group.commands.items():
        assert command.hidden or name in named, name
    for option in group.commands["create"].params:
        if not option.opts[0].startswith(("--notify-incident", "--incident", "--notify-pager")):
            assert f"`{option.opts[0]}" in page, option.opts


def test_the_readme_names_tests_that_exist():
    """Its table says what works by the tests that show it."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| ([^|]+) \| ([^|]+) \| ([^|]*) \|$", text, re.MULTILINE)
    for what, status, by in rows[2:]:
        tests = re.findall(r"`(tests/[\w/.]+)`", by)
        assert all((ROOT / test).exists() for test in tests), what
        needs_one = status.startswith(("tested", "in part")) and "](docs/" not in by
        assert tests or not needs_one, f"{what}: {status}, by no test"


def test_make_targets_are_documented():
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):.*## ", makefile, re.MULTILINE)) - {"help"}
    assert targets == set(re.findall(r"`make ([a-z-]+)[ `]", text))


def test_cron_examples():
    text = (ROOT / "docs/guides/schedules-and-triggers.md").read_text(encoding="utf-8")
    examples = re.findall(r"^\| `([^`@]+)` \| `([^`]+)` \|", text, re.MULTILINE)
    assert len(examples) >= 6
    for aws, dagster_cron in examples:
        assert five_field_cron(aws, "the docs") == dagster_cron


def test_excerpts_of_generated_files(tmp_path):
    """Those of the page are in what `create` makes of the example."""
    page = (ROOT / "docs/reference/generated-file.md").read_text(encoding="utf-8")
    shutil.copytree(ROOT / "examples", tmp_path, dirs_exist_ok=True)
    for name in ("embedded", "package"):
        command = [sys.executable, "temperatures_flow.py", "--no-pylint", "dagster", "create"]
        command += [f"{name}.py", f"--runtime={name}"]
        subprocess.run(command, cwd=tmp_path, env=clean_env(tmp_path), check=True)
    made = (tmp_path / "embedded.py").read_text() + (tmp_path / "package.py").read_text()
    excerpts = re.findall(r"^```python\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    assert len(excerpts) == 2
    # Pages have longer lines than generated files.
    assert all("".join(excerpt.split()) in "".join(made.split()) for excerpt in excerpts)


def test_workspace_example(tmp_path):
    """The definitions files that it names are those that the examples compile to."""
    shutil.copy(ROOT / "examples" / "deploy" / "workspace.yaml", tmp_path)
    shutil.copytree(ROOT / "examples", tmp_path, dirs_exist_ok=True)
    env = clean_env(tmp_path)
    for name in ("temperatures", "parameters"):
        command = [sys.executable, f"{name}_flow.py", "--no-pylint", "dagster", "create"]
        subprocess.run([*command, f"{name}_dagster.py"], cwd=tmp_path, env=env, check=True)
    validate = [sys.executable, "-m", "dagster", "definitions", "validate", "-w", "workspace.yaml"]
    subprocess.run(validate, cwd=tmp_path, env=env, check=True)
