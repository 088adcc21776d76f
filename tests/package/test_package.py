"""What is published: wheel and sdist, and a flow that the wheel runs in an empty environment."""

from __future__ import annotations

import os
import site
import subprocess
import sys
import tarfile
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src"
FLOW = """\
from metaflow import FlowSpec, step

class PackedFlow(FlowSpec):
    @step
    def start(self):
        self.numbers = [1, 2]
        self.next(self.square, foreach="numbers")

    @step
    def square(self):
        self.result = self.input**2
        self.next(self.join)

    @step
    def join(self, inputs):
        self.total = sum(each.result for each in inputs)
        self.next(self.end)

    @step
    def end(self):
        assert self.total == 5

if __name__ == "__main__":
    PackedFlow()
"""
PACKAGE = "metaflow_extensions/dagster"


@pytest.fixture(scope="module")
def dist(tmp_path_factory) -> Path:
    """A folder with the wheel and the sdist."""
    folder = tmp_path_factory.mktemp("dist")
    build = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    subprocess.run(build, check=True, capture_output=True, text=True)
    return folder


def wheel_of(dist: Path) -> Path:
    [wheel] = dist.glob("*.whl")
    return wheel


def test_wheel_has_the_package_and_nothing_else(dist):
    with zipfile.ZipFile(wheel_of(dist)) as wheel:
        names = set(wheel.namelist())
    sources = {
        path.relative_to(SOURCE).as_posix()
        for path in SOURCE.rglob("*")
        if path.is_file() and not {"__pycache__", ".ruff_cache"} & set(path.parts)
    }
    info = {name for name in names if ".dist-info/" in name}
    assert names - info == sources
    assert f"{PACKAGE}/py.typed" in names
    assert any(name.endswith(".py.j2") for name in names)
    assert any(name.endswith("/licenses/LICENSE") for name in info)


def test_metadata(dist):
    from metaflow_extensions.dagster.version import __version__

    with zipfile.ZipFile(wheel_of(dist)) as wheel:
        [name] = [name for name in wheel.namelist() if name.endswith(".dist-info/METADATA")]
        metadata = Parser().parsestr(wheel.read(name).decode())
    assert metadata["Version"] == __version__
    assert metadata["License-Expression"] == "Apache-2.0"
    extras = {"ui", "celery", "dask", "docker", "k8s", "postgres"}
    assert extras <= set(metadata.get_all("Provides-Extra", []))
    urls = [url.split(", ")[1] for url in metadata.get_all("Project-URL", [])]
    assert urls
    assert all(
        url.startswith("https://github.com/metaflow-dagster/metaflow-dagster") for url in urls
    )


def test_sdist_can_be_built_and_has_no_tests(dist):
    [archive] = dist.glob("*.tar.gz")
    with tarfile.open(archive) as sdist:
        names = {name.split("/", 1)[1] for name in sdist.getnames()}
    assert {"LICENSE", "README.md", "CHANGELOG.md", "pyproject.toml"} <= names
    assert {f"src/{PACKAGE}/py.typed", "docs/getting-started.md"} <= names
    assert "examples/temperatures_flow.py" in names
    assert not [name for name in names if name.split("/")[0] in ("tests", "bench", ".github")]


@pytest.mark.parametrize(
    "dependencies",
    [
        pytest.param("here", id="dependencies-of-these-tests"),
        pytest.param("index", id="dependencies-downloaded", marks=pytest.mark.slow),
    ],
)
def test_wheel_runs_a_flow_in_an_empty_environment(dist, tmp_path, dependencies):
    venv = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", str(venv)], check=True)
    python = venv / "bin" / "python"
    install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    install.append(str(wheel_of(dist)))
    if dependencies == "here":
        install.append("--no-deps")
        [library] = (venv / "lib").glob("python3*/site-packages")
        # A folder named in a .pth file does not have its own .pth files read: Dagster and Metaflow
        # are found there, this checkout, which is installed in place, is not.
        (library / "dependencies.pth").write_text("\n".join(site.getsitepackages()) + "\n")
    subprocess.run(install, check=True)

    (tmp_path / "flow.py").write_text(FLOW)
    home = tmp_path / "dagster"
    home.mkdir()
    (home / "dagster.yaml").write_text("telemetry:\n  enabled: false\n")
    env = {
        **{name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
        "PATH": f"{venv / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "VIRTUAL_ENV": str(venv),
        "DAGSTER_HOME": str(home),
        "METAFLOW_DATASTORE_SYSROOT_LOCAL": str(tmp_path),
    }

    def run(*arguments: str) -> str:
        done = subprocess.run(
            [str(python), *arguments], cwd=tmp_path, env=env, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    where = "import metaflow_extensions.dagster.version as v; print(v.__file__)"
    assert Path(run("-c", where).strip()).is_relative_to(venv)
    run("flow.py", "dagster", "create", "defs.py")
    output = run("-m", "dagster", "job", "execute", "-f", "defs.py", "-j", "PackedFlow")
    assert "RUN_SUCCESS" in output
