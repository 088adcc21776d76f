"""Turning a fork of the warm server into what ``python flow.py ...`` is before its first line."""

from __future__ import annotations

import os
import random
import sys
import time
from dataclasses import dataclass

from warm_preload import know_repository


@dataclass
class Job:
    """What a child is to run.

    Attributes:
        command: The whole command line, from the interpreter on.
        argv: The script and its arguments.
        env: The whole environment.
        cwd: The working directory.
        repository: What Metaflow records of the git repository that the flow is in.
        tells_pages: It is to say at its end which pages of memory it has copied.
    """

    command: list[str]
    argv: list[str]
    env: dict[str, str]
    cwd: str
    repository: dict[str, str | bool] | None = None
    tells_pages: bool = False

    def prepare(self) -> None:
        """Set what differs between the server and a process of this job's own."""
        os.chdir(self.cwd)
        for name in os.environ.keys() - self.env.keys():
            del os.environ[name]
        for name, value in self.env.items():
            if os.environ.get(name) != value:
                os.environ[name] = value
        time.tzset()
        random.seed()
        sys.argv[:] = self.argv
        sys.orig_argv[:] = self.command
        know_repository(self.repository)
        # Folders that were not there when the server looked.
        for path in [path for path, finder in sys.path_importer_cache.items() if finder is None]:
            del sys.path_importer_cache[path]
        tempfile = sys.modules.get("tempfile")
        if tempfile is not None:
            tempfile.tempdir = None  # pyright: ignore[reportAttributeAccessIssue]
