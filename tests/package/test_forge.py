"""What the forge runs: the files can be read, and name what is there."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_workflow(path):
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    workflow = yaml.safe_load(path.read_text())
    assert workflow["permissions"] == {"contents": "read"}, "more only where a job needs it"
    for name, job in workflow["jobs"].items():
        if called := job.get("uses"):
            assert (ROOT / called).exists(), name
            continue
        assert job["timeout-minutes"], name
        for step in job["steps"]:
            if step.get("uses", "").startswith("actions/checkout@"):
                assert step["with"]["persist-credentials"] is False, name
            for target in re.findall(r"\bmake ([a-z-]+)", step.get("run", "")):
                assert target in targets, f"{name}: make {target}"
            for test in re.findall(r"\btests/\w+", step.get("run", "")):
                assert (ROOT / test).exists(), f"{name}: {test}"


def test_each_change_is_checked_in_every_way():
    jobs = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text())["jobs"]
    assert jobs.keys() == {"lint", "tests", "floor", "browser", "docs", "package"}


def test_only_publishing_may_ask_for_an_identity():
    jobs = yaml.safe_load((ROOT / ".github/workflows/release.yml").read_text())["jobs"]
    asking = [name for name, job in jobs.items() if "permissions" in job]
    assert asking == ["publish"]
    assert jobs["publish"]["permissions"] == {"id-token": "write"}
    assert jobs["publish"]["environment"] == "pypi"


@pytest.mark.parametrize(
    ("schema", "files"),
    [
        ("github-workflows", ".github/workflows/*.yml"),
        ("github-issue-forms", ".github/ISSUE_TEMPLATE/[!c]*.yml"),
        ("github-issue-config", ".github/ISSUE_TEMPLATE/config.yml"),
        ("dependabot", ".github/dependabot.yml"),
        ("compose-spec", "examples/deploy/compose.yaml"),
    ],
)
def test_files_follow_their_schemas(schema, files):
    """The public ones, of which check-jsonschema has copies."""
    paths = sorted(map(str, ROOT.glob(files)))
    assert paths
    check("check-jsonschema", "--builtin-schema", f"vendor.{schema}", *paths)


def test_pre_commit_takes_its_settings():
    check("pre-commit", "validate-config", str(ROOT / ".pre-commit-config.yaml"))


def check(program: str, *arguments: str) -> None:
    command = [str(Path(sys.executable).with_name(program)), *arguments]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
