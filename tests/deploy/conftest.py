"""Projects whose runs go to their embedded Dagster instance."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

FLOWS = Path(__file__).parent / "flows"


_BREAKABLE = """
import dagster

@dagster.io_manager
def _breakable(_):
    if os.path.exists("broken"):
        raise RuntimeError("the resource is broken")
    return _TaskPaths(FLOW)

"""


class Embedded:
    """A folder with a flow of this directory, its datastore and its instance."""

    def __init__(self, folder: Path, flow: str) -> None:
        self.folder = folder
        self.home = folder / ".metaflow" / "dagster"
        dropped = ("METAFLOW_", "DAGSTER_")
        self.env = {k: v for k, v in os.environ.items() if not k.startswith(dropped)}
        self.env |= {
            "USER": "tester",
            "METAFLOW_HOME": str(folder / "config"),
            "METAFLOW_DATASTORE_SYSROOT_LOCAL": str(folder),
            "METAFLOW_DEFAULT_DATASTORE": "local",
            "METAFLOW_DEFAULT_METADATA": "local",
        }
        # Compiling Dagster anew would take most of the time of every command.
        self.env.pop("PYTHONDONTWRITEBYTECODE", None)
        self.env["PYTHONPYCACHEPREFIX"] = str(folder.parent / "bytecode")
        (folder / ".metaflow").mkdir()
        (folder / "flow.py").write_text((FLOWS / f"{flow}.py").read_text())

    def run(self, *command: str, code: int | None = 0, **env: str) -> str:
        """Run a command to its end; its output. `code` is the exit code that it must have."""
        done = subprocess.run(
            command, cwd=self.folder, env={**self.env, **env}, capture_output=True, text=True
        )
        output = done.stdout + done.stderr
        assert code is None or done.returncode == code, output
        return output

    def flow(self, *args: str, code: int | None = 0, **env: str) -> str:
        """Run a command of the flow."""
        command = [sys.executable, "flow.py", "--quiet", "--no-pylint", *args]
        return self.run(*command, code=code, **env)

    def dagster(self, *args: str, code: int | None = 0, **env: str) -> str:
        return self.flow("dagster", *args, code=code, **env)

    def json(self, *args: str) -> Any:
        return json.loads(self.dagster(*args, "--json"))

    def start(self, command: str, *args: str, code: int = 0) -> str:
        """Trigger or resume, follow to the end; the Metaflow run id."""
        self.dagster(command, *args, "--wait", "--run-id-file", "run-id", code=code)
        return (self.folder / "run-id").read_text()

    def wait_for(self, condition: Callable[[], Any], seconds: float = 60) -> Any:
        """What `condition` gives as soon as that is true."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            found = condition()
            if found:
                return found
            time.sleep(0.1)
        raise AssertionError("it did not happen in time")

    def let_resource_fail(self) -> None:
        """Have a resource that the job's ops need fail where the file ``broken`` is."""
        file = self.folder / "defs.py"
        made = file.read_text().replace(": _TaskPaths(FLOW)", ": _breakable")
        assert ": _breakable" in made
        file.write_text(made.replace("# -- Job -", _BREAKABLE + "# -- Job -", 1))

    def touch(self, name: str) -> None:
        (self.folder / name).touch()

    def remove(self, name: str) -> None:
        (self.folder / name).unlink()

    def query(self, expression: str) -> Any:
        """Evaluate an expression with Metaflow's client and decode it from JSON."""
        code = (
            f"import json; from metaflow import *; namespace(None)\nprint(json.dumps({expression}))"
        )
        return json.loads(self.run(sys.executable, "-c", code).splitlines()[-1])

    def tasks(self, pathspec: str) -> dict[str, list[str]]:
        """By step, the ids of the tasks of a run that succeeded."""
        return self.query(
            f"{{s.id: sorted(t.id for t in s if t.successful) for s in Run({pathspec!r})}}"
        )

    def cloned(self, pathspec: str) -> dict[str, list[str]]:
        """By step, the ids of the tasks of a run that were cloned."""
        return self.query(
            f"{{s.id: found for s in Run({pathspec!r}) if (found := sorted("
            "t.id for t in s if 'origin-task-id' in t.metadata_dict))}"
        )


@pytest.fixture
def embedded(tmp_path: Path) -> Callable[[str], Embedded]:
    """Makes a project with a flow that is deployed."""

    def make(flow: str, *options: str, create: bool = True) -> Embedded:
        project = Embedded(tmp_path, flow)
        if create:
            project.dagster("create", "defs.py", *options)
        return project

    return make


def is_alive(pid: int) -> bool:
    """Whether a process exists and is no zombie."""
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False
