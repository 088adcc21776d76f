"""Runs a case natively and through Dagster, each in a project folder of its own."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from inspect import getsource
from pathlib import Path
from typing import Any

from .cases import Case

FLOWS = Path(__file__).parents[1] / "flows"
HERE = Path(__file__).parent
ENGINES = ("default", "cold", "in_process", "multiprocess", "plain", "moved", "thin")
"""How Dagster runs a job: as it comes; without warm processes; with one of Dagster's executors;
as if this package were not installed where the job runs; as another user of another machine, who
has the definitions file and the datastore but not the flow; from a file that imports helpers."""


class NativeError(AssertionError):
    """The native run did not end as it was meant to: the case is wrong, not what it tests."""


class _Helper:
    """A process that serves a whole test session, started on first use."""

    module: str

    def __init__(self, scratch: Path, env: Mapping[str, str] | None = None) -> None:
        self._scratch = scratch
        self._env = env or {}
        self._process: subprocess.Popen[str] | None = None

    def _ask(self, request: Any) -> Any:
        if self._process is None:
            env = _clean_environment() | {
                "PYTHONPATH": str(HERE.parent),
                "METAFLOW_CLIENT_CACHE_PATH": str(self._scratch / "client-cache"),
                "METAFLOW_HOME": str(self._scratch),
                **self._env,
            }
            self._process = subprocess.Popen(
                [sys.executable, "-m", self.module],
                cwd=self._scratch,
                env=env,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(json.dumps(request), file=self._process.stdin, flush=True)
        answer = self._process.stdout.readline()
        assert answer, f"{self.module} died"
        return json.loads(answer)

    def close(self) -> None:
        if self._process is not None:
            assert self._process.stdin is not None
            self._process.stdin.close()
            self._process.wait(timeout=30)


class Reader(_Helper):
    """The process of :mod:`reader`: tells what a run left."""

    module = "differential.reader"

    def __call__(self, request: str, **arguments: Any) -> Any:
        answer = self._ask([request, arguments])
        assert "error" not in answer, answer["error"]
        return answer["answer"]


class Launcher(_Helper):
    """The process of :mod:`launcher`: runs ``dagster`` commands without starting Python."""

    module = "differential.launcher"

    def __call__(
        self, arguments: Sequence[str], folder: Path, env: Mapping[str, str], seconds: float
    ) -> subprocess.CompletedProcess[str]:
        output = folder / "dagster.log"
        request: dict[str, Any] = {"arguments": list(arguments), "folder": str(folder)}
        request |= {"environment": dict(env), "output": str(output), "timeout": seconds}
        code = self._ask(request)
        return subprocess.CompletedProcess(arguments, code, output.read_text(errors="replace"))


def run_native(case: Case, folder: Path, reader: Reader) -> dict[str, Any]:
    """Run with ``python flow.py run``. Returns the summary of :func:`reader.read_metaflow`."""
    env = _make_project(case, folder)
    command = [sys.executable, case.file, "--no-pylint", *case.top_options, "run"]
    command += ["--run-id-file", "run_id", "--max-workers", str(case.max_workers)]
    command += [arg for tag in case.tags for arg in ("--tag", tag)]
    command += _parameter_arguments(case.params)
    done = _run([*command, *case.run_options], folder, env, case.seconds)
    if not (folder / "run_id").exists():
        raise NativeError(f"The native run did not even start:\n{done.stdout}")
    if (done.returncode != 0) != case.fails:
        expected = "fail" if case.fails else "succeed"
        raise NativeError(f"The native run was meant to {expected}:\n{done.stdout}")
    return _read(reader, case, folder, (folder / "run_id").read_text().strip())


def _read(reader: Reader, case: Case, folder: Path, run_id: str) -> dict[str, Any]:
    return reader(
        "metaflow",
        folder=str(folder),
        flow=case.flow_class,
        run_id=run_id,
        metadata=case.metadata,
        sources=case.sources,
    )


def run_native_once(case: Case, folder: Path, reader: Reader, cache: Path) -> dict[str, Any]:
    """:func:`run_native`, or what it returned earlier for the very same case.

    A native run takes half a second a step and never changes, so summaries are kept between test
    sessions (``pytest --cache-clear`` forgets them). Sessions and workers may share the cache.
    """
    import metaflow

    native = replace(
        case, flow=case.file, config={}, create_options=(), own_process=False, ignore=(), sources=()
    )
    if case.metadata:  # its address changes, what it is does not
        native = replace(native, metadata=case.metadata.split("@")[0], env={})
    parts = [sys.version, metaflow.__version__, repr(native), getsource(run_native)]
    sources = [case.source, FLOWS / "tracing.py", HERE / "reader.py"]
    parts += [path.read_text() for path in sources]
    entry = cache / (hashlib.sha256("\0".join(parts).encode()).hexdigest() + ".json")
    if not entry.exists():
        scratch = entry.with_name(f"{entry.name}.{uuid.uuid4().hex}")
        scratch.write_text(json.dumps(run_native(case, folder, reader)))
        scratch.replace(entry)
    return json.loads(entry.read_text())


def run_dagster(
    case: Case, folder: Path, reader: Reader, launcher: Launcher, home: Path, engine: str
) -> tuple[dict[str, Any] | None, dict[str, Any], str]:
    """Deploy and run with Dagster's command line.

    Returns:
        The summaries of Metaflow's run (None where it has none) and of Dagster's run, and what
        the command printed.
    """
    project = folder / "deployed" if engine == "moved" else folder
    env = _make_project(case, project) | {"DAGSTER_HOME": str(home)} | _engine_environment(engine)
    env["METAFLOW_DATASTORE_SYSROOT_LOCAL"] = str(folder)
    job = create(case, project, env, engine)
    if engine == "moved":
        project = _move(project, folder / "elsewhere", env)
    tag = uuid.uuid4().hex
    # Its whole path: pods that run its steps start in folders of their own.
    arguments = ["job", "execute", "-f", str(project / "defs.py"), "-j", job]
    arguments += ["--tags", json.dumps({"differential": tag})]
    if config := case.run_config:
        (project / "config.json").write_text(json.dumps(config))
        arguments += ["-c", "config.json"]
    if case.own_process or engine not in ("default", "cold", "moved", "thin"):
        done = _run([sys.executable, "-m", "dagster", *arguments], project, env, case.seconds)
    else:
        done = launcher(arguments, project, env, case.seconds)
    facts = reader("dagster", home=str(home), tag=tag)
    if facts is None:
        raise AssertionError(f"There is no Dagster run:\n{done.stdout}")
    run_id = facts["metaflow_run_id"]
    if not case.metadata and not (folder / ".metaflow" / case.flow_class / run_id).is_dir():
        return None, facts, done.stdout
    if case.metadata and (facts["status"] == "SUCCESS") == case.fails:
        raise AssertionError(f"Dagster's run: {facts}\n{done.stdout[-6000:]}")
    return _read(reader, case, folder, run_id), facts, done.stdout


def _move(project: Path, elsewhere: Path, env: dict[str, str]) -> Path:
    """Leave the definitions file alone with the datastore, in a folder and home of its own."""
    elsewhere.mkdir()
    (project / "defs.py").rename(elsewhere / "defs.py")
    shutil.rmtree(project)
    env["HOME"] = str(elsewhere)
    env.pop("XDG_CACHE_HOME", None)
    return elsewhere


def create(case: Case, folder: Path, env: Mapping[str, str], engine: str) -> str:
    """Compile the flow to ``defs.py``. Returns the name of the job."""
    command = [sys.executable, case.file, "--no-pylint", *case.top_options]
    command += ["dagster", "create", "defs.py"]
    command += [arg for tag in case.tags for arg in ("--tag", tag)]
    command += ["--max-workers", str(case.max_workers), *case.create_options]
    if engine in ("in_process", "multiprocess"):
        command.append(f"--executor={engine}")
    if engine == "thin":
        command.append("--runtime=package")
    # The package is hidden from the job only, not from the compiler.
    unhidden = {k: v for k, v in env.items() if k != "PYTHONPATH"}
    done = _run(command, folder, unhidden, case.seconds)
    assert done.returncode == 0, f"dagster create failed:\n{done.stdout}"
    found = re.search(r"^Job +: (\S+)$", (folder / "defs.py").read_text(), re.MULTILINE)
    assert found, "the preamble does not name the job"
    return found.group(1)


def make_home(folder: Path) -> Path:
    """A DAGSTER_HOME whose databases exist, so that runs may use it at the same time."""
    folder.mkdir(parents=True)
    (folder / "dagster.yaml").write_text("telemetry:\n  enabled: false\n")
    code = "from dagster import DagsterInstance as I; I.get().get_runs_count()"
    env = _clean_environment() | {"DAGSTER_HOME": str(folder)}
    subprocess.run([sys.executable, "-c", code], env=env, check=True)
    return folder


def _make_project(case: Case, folder: Path) -> dict[str, str]:
    """Put the flow into a new folder. Returns the environment to run it in."""
    folder.mkdir(parents=True)
    for path in (case.source, FLOWS / "tracing.py"):
        shutil.copy(path, folder)
    return _clean_environment() | {
        "USER": "tester",
        "METAFLOW_HOME": str(folder),
        "METAFLOW_DATASTORE_SYSROOT_LOCAL": str(folder),
        "METAFLOW_DEFAULT_DATASTORE": "local",
        "METAFLOW_DEFAULT_METADATA": "local",
        **case.env,
    }


def _clean_environment() -> dict[str, str]:
    ours = ("METAFLOW_", "DAGSTER_", "PYTEST_")
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)}


def _engine_environment(engine: str) -> dict[str, str]:
    if engine == "cold":
        return {"METAFLOW_DAGSTER_WARM": "0"}
    if engine == "plain":
        return {"PYTHONPATH": str(HERE / "without_package")}
    return {}


def _parameter_arguments(params: Mapping[str, Any]) -> list[str]:
    arguments = []
    for name, value in params.items():
        values = value if isinstance(value, tuple) else [value]
        for one in values:
            text = json.dumps(one) if isinstance(one, (dict, list)) else str(one)
            arguments += [f"--{name}", text]
    return arguments


def _run(
    command: Sequence[str], folder: Path, env: Mapping[str, str], seconds: float
) -> subprocess.CompletedProcess[str]:
    """Run a command with all its children, and end them all when it takes too long."""
    with subprocess.Popen(
        command,
        cwd=folder,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    ) as process:
        try:
            output, _ = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            output, _ = process.communicate()
            raise AssertionError(f"{command} took over {seconds} s:\n{output[-5000:]}") from None
    return subprocess.CompletedProcess(command, process.returncode, output)
