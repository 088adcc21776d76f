"""Turning a fork of the warm server into what ``python flow.py ...`` is before its first line."""

from __future__ import annotations

import atexit
import gc
import os
import random
import sys
import time
from dataclasses import dataclass
from typing import Any


@dataclass
class Job:
    """What a child is to run.

    Attributes:
        command: The whole command line, from the interpreter on.
        argv: The script and its arguments.
        env: The whole environment.
        cwd: The working directory.
    """

    command: list[str]
    argv: list[str]
    env: dict[str, str]
    cwd: str

    def look_for_folders(self) -> None:
        """In the server: find what `prepare` has to forget, as to look copies pages in a child."""
        self._absent = [path for path, finder in sys.path_importer_cache.items() if finder is None]

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
        for path in self._absent:  # folders that were not there when the server looked
            del sys.path_importer_cache[path]
        tempfile = sys.modules.get("tempfile")
        if tempfile is not None:
            tempfile.tempdir = None  # pyright: ignore[reportAttributeAccessIssue]


class Shared:
    """The modules that children share with the server, which are not taken apart at their end.

    The end of an interpreter empties every module, 14 ms of work and copied memory, as much as a
    step itself. The modules of user code are treated as ever.
    """

    def __init__(self) -> None:
        self._names = sys.modules.keys() - {"sys", "builtins", "__main__"}
        # Nothing frees what refers to itself and is frozen, so nor what it refers to.
        self._kept: list[Any] = []
        self._kept.append(self._kept)
        gc.freeze()

    def keep(self, thing: Any) -> None:
        """Have children not free what is of the server, as that copies pages."""
        self._kept.append(thing)

    def keep_at_exit(self) -> None:
        """In a child: as the first function registered, this one runs as the last."""
        atexit.register(self._keep)

    def _keep(self) -> None:
        for name in list(sys.modules):
            if name in self._names or name.startswith("metaflow."):
                self._kept.append(sys.modules.pop(name))
