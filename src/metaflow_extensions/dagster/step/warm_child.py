"""Turning a fork of the warm server into what ``python flow.py ...`` is."""

from __future__ import annotations

import importlib
import importlib.machinery
import os
import random
import sys
import time
import types
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

    @property
    def path(self) -> str:
        """The script's absolute path, as Python makes it: not normalised."""
        script = self.argv[0]
        return os.path.join(self.cwd, script.removeprefix("./"))

    def run(self) -> None:
        """Execute the script as the main module.

        Raises:
            BaseException: what the script raised, to be handled as the interpreter handles it;
                the traceback that it prints begins in the script.
        """
        self._set_process()
        main = self._main_module()
        try:
            with open(self.path, "rb") as file:
                code = compile(file.read(), self.path, "exec", dont_inherit=True)
            exec(code, main.__dict__)
        except SystemExit:
            raise
        except BaseException as error:
            _hide_frames(error)
            raise

    def _set_process(self) -> None:
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
        if not getattr(sys.flags, "safe_path", False):
            sys.path.insert(0, os.path.dirname(os.path.realpath(self.path)))
        # Folders that were not there when the server looked may be there now.
        importlib.invalidate_caches()
        tempfile = sys.modules.get("tempfile")
        if tempfile is not None:
            tempfile.tempdir = None  # pyright: ignore[reportAttributeAccessIssue]

    def _main_module(self) -> Any:
        """A new `__main__`: artifacts of classes defined in the script are pickled by that name."""
        main = types.ModuleType("__main__")
        main.__dict__.update(
            __builtins__=sys.modules["builtins"],
            __annotations__={},
            __file__=self.path,
            __cached__=None,
            __loader__=importlib.machinery.SourceFileLoader("__main__", self.path),
        )
        sys.modules["__main__"] = main
        return main


def _hide_frames(error: BaseException) -> None:
    """Have the interpreter print an uncaught exception without the frames of this module."""
    hook = sys.excepthook
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename == __file__:
        trace = trace.tb_next

    def print_hidden(kind: Any, value: Any, _: Any) -> None:
        hook(kind, value.with_traceback(trace), trace)

    sys.excepthook = print_hidden
