"""The generated source of a handful of flows, byte for byte.

Regenerate with ``UPDATE_GOLDEN=1 pytest tests/golden`` and read the difference.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.needs import PLAIN_CONFIGS, require

HERE = Path(__file__).parent
EXAMPLES = HERE.parents[1] / "examples"
CASES = {
    "linear": ["--max-workers=4", "--tag=env:prod", "--workflow-timeout=3600"],
    "parameters": [
        *("--name=nightly", "--with=retry:times=1", "--asset=start.model=models/nightly"),
        *("--asset-check=start.is_good", "--owner=team:ml", "--group=nightly"),
    ],
    "shapes": ["--executor=inherit"],
    "gang": [
        *("--namespace=team", "--image=team/vision:3", "--executor=dagster:multiprocess_executor"),
        '--executor-config={"tag_concurrency_limits": [{"key": "gpu", "limit": 1}]}',
        *("--max-workers=8", "--pool=train:gpu", "--step-tag=train:gpu=yes"),
        *("--step-tag=dagster-celery/queue=vision", "--run-tag=dagster/max_retries=2"),
    ],
    "events": ["--emit-events", "--no-schedule", "--partition=day=daily:2026-01-01"],
    "thin": ["--runtime=package", "--name=thin"],
}
FLOWS = {"thin": "shapes"}
"""The flow of a case that is not called like it."""
LONGEST = {
    "linear": 720,
    "parameters": 850,
    "shapes": 960,
    "gang": 770,
    "events": 1515,
    "thin": 240,
}
"""Lines that a file may have: it is there to be read."""


@pytest.fixture
def project() -> Iterator[Path]:
    """A folder whose path is as long on every machine, as lines break by their length."""
    folder = Path("/tmp") / f"golden-{secrets.token_hex(4)}"
    folder.mkdir()
    yield folder
    shutil.rmtree(folder)


def create(project: Path, name: str, *options: str) -> str:
    name = FLOWS.get(name, name)
    shutil.copy(HERE / "flows" / f"{name}.py", project)
    env = {k: v for k, v in os.environ.items() if not k.startswith("METAFLOW_")}
    env |= {"USER": "golden", "METAFLOW_HOME": str(project), "METAFLOW_USER": "golden"}
    subprocess.run(
        [sys.executable, f"{name}.py", "--quiet", "--no-pylint", "--datastore=local"]
        + [f"--datastore-root={project}/.metaflow", "dagster", "create", "defs.py", *options],
        cwd=project,
        env=env,
        check=True,
    )
    text = (project / "defs.py").read_text()
    text = text.replace(str(project), "/tmp/golden-00000000")
    # The code package has Metaflow in it, which is another one on each machine.
    sha = re.search('^CODE_PACKAGE_SHA = "(.*)"$', text, re.MULTILINE)
    assert sha
    data = f"{sha[1][:2]}/{sha[1]}"
    return text.replace(data, f"00/{'0' * 40}").replace(sha[1], "0" * 40)


@pytest.mark.parametrize("name", CASES)
def test_generated_source(project: Path, name: str) -> None:
    if name == "gang":  # has a config, which is baked in the form that Metaflow takes
        require(PLAIN_CONFIGS)
    expected = HERE / "expected" / f"{name}.txt"
    text = create(project, name, *CASES[name])
    if os.environ.get("UPDATE_GOLDEN"):
        expected.write_text(text)
    assert text == expected.read_text()
    assert create(project, name, *CASES[name]) == text, "the same input gave other bytes"


@pytest.mark.parametrize("name", CASES)
def test_a_file_is_short_and_says_where_its_sections_begin(name: str) -> None:
    text = (HERE / "expected" / f"{name}.txt").read_text()
    lines = text.splitlines()
    assert len(lines) <= LONGEST[name]
    titles = [line.strip("# -") for line in lines if line.startswith("# -- ")]
    contents = re.findall(r"^ +(\d+)  (.+)$", text.split('"""')[1], re.MULTILINE)
    if name == "thin":
        assert not contents
    else:
        assert [title for _, title in contents] == titles
        assert all(lines[int(n) - 1].startswith(f"# -- {title} -") for n, title in contents)


def test_the_demo_is_short_in_both_forms(project: Path) -> None:
    folder = shutil.copytree(EXAMPLES, project / "examples")
    for form, longest in (("embedded", 800), ("package", 130)):
        subprocess.run(
            [sys.executable, "temperatures_flow.py", "--quiet", "dagster", "create", "defs.py"]
            + [f"--runtime={form}"],
            cwd=folder,
            env={**os.environ, "METAFLOW_DATASTORE_SYSROOT_LOCAL": str(folder)},
            check=True,
        )
        assert len((folder / "defs.py").read_text().splitlines()) <= longest


@pytest.mark.parametrize("name", CASES)
def test_generated_source_is_clean(project: Path, name: str) -> None:
    for runtime in ("package", "embedded"):
        create(project, name, *CASES[name], f"--runtime={runtime}")
        (project / "defs.py").rename(project / f"{runtime}.py")
    files = [str(project / f"{runtime}.py") for runtime in ("package", "embedded")]
    ruff = [sys.executable, "-m", "ruff"]
    subprocess.run([*ruff, "check", "--isolated", *files], check=True, cwd=project)
    subprocess.run([*ruff, "format", "--isolated", "--check", *files], check=True)
    subprocess.run([sys.executable, "-m", "pyright", *files], check=True, cwd=project)
    for file in files:
        load = f"import runpy; runpy.run_path({file!r})['defs'].resolve_all_job_defs()"
        subprocess.run([sys.executable, "-c", load], check=True, cwd=project)


def test_all_load_in_one_code_location(project: Path) -> None:
    """Jobs of several generated files live side by side: nothing in them collides."""
    for name, options in CASES.items():
        create(project, name, *options)
        (project / "defs.py").rename(project / f"defs_{name}.py")
    lines = [f"import defs_{name}" for name in CASES]
    merged = ", ".join(f"defs_{name}.defs" for name in CASES)
    lines += ["from dagster import Definitions", f"defs = Definitions.merge({merged})"]
    lines += ["print(sorted(job.name for job in defs.resolve_all_job_defs()))"]
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(lines)], cwd=project, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    for job in ("LinearFlow", "nightly", "ShapesFlow", "vision__user__golden__GangFlow"):
        assert f"'{job}'" in done.stdout
