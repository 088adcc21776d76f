"""A project folder with its own Metaflow datastore and Dagster instance."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any


class Project:
    """One flow, deployed in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.env = {k: v for k, v in os.environ.items() if not k.startswith("METAFLOW_")}
        self.env |= {
            "USER": "tester",
            "METAFLOW_DATASTORE_SYSROOT_LOCAL": str(folder),
            "METAFLOW_DEFAULT_DATASTORE": "local",
            "METAFLOW_DEFAULT_METADATA": "local",
            "DAGSTER_HOME": str(folder / "dagster_home"),
        }
        (folder / "dagster_home").mkdir()
        (folder / "dagster_home" / "dagster.yaml").write_text("telemetry:\n  enabled: false\n")

    def deploy(self, source: str, *options: str) -> None:
        """Write ``flow.py`` and compile it to ``defs.py``."""
        (self.folder / "flow.py").write_text(source)
        self.run(sys.executable, "flow.py", "--no-pylint", "dagster", "create", "defs.py", *options)

    def run(self, *command: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            command, cwd=self.folder, env=self.env, capture_output=True, text=True
        )
        assert not check or done.returncode == 0, done.stdout + done.stderr
        return done

    def execute(self, job: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run the job to its end."""
        return self.run(*self._execute(job), check=check)

    def start(self, job: str) -> subprocess.Popen[bytes]:
        """Start the job as the leader of a process group."""
        return subprocess.Popen(
            self._execute(job),
            cwd=self.folder,
            env=self.env,
            stdout=(self.folder / "log").open("wb"),
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def query(self, expression: str) -> Any:
        """Evaluate an expression with Metaflow's client and decode it from JSON."""
        code = (
            "import json; from metaflow import *; from metaflow import namespace; namespace(None)\n"
            f"print(json.dumps({expression}))"
        )
        return json.loads(self.run(sys.executable, "-c", code).stdout.splitlines()[-1])

    @staticmethod
    def _execute(job: str) -> list[str]:
        return [sys.executable, "-m", "dagster", "job", "execute", "-f", "defs.py", "-j", job]
