"""Turning a fork of the warm server into what ``python flow.py ...`` is."""

from __future__ import annotations

import atexit
import gc
import importlib
import importlib.machinery
import io
import os
import random
import sys
import threading
import time
import types
import weakref
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
        return os.path.join(self.cwd, self.argv[0])

    def run(self) -> None:
        """Execute the script as the main module, and end the process as soon as that is safe.

        Raises:
            BaseException: what the script raised, to be handled as the interpreter handles it;
                the traceback that it prints begins in the script.
        """
        known = Known()
        self._set_process()
        self._set_main_module()
        exit_code = 0
        try:
            with open(self.path, "rb") as file:
                code = compile(file.read(), self.path, "exec", dont_inherit=True)
            exec(code, sys.modules["__main__"].__dict__)
        except SystemExit as end:
            if end.code is not None and not isinstance(end.code, int):
                raise
            exit_code = int(end.code or 0)
        except BaseException as error:
            _hide_frames(error)
            raise
        known.finish(exit_code)
        sys.exit(exit_code)

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

    def _set_main_module(self) -> None:
        """A new `__main__`: artifacts of classes defined in the script are pickled by that name."""
        main = types.ModuleType("__main__")
        main.__dict__.update(
            __builtins__=sys.modules["builtins"],
            __annotations__={},
            __file__=self.path,
            __cached__=None,
            __loader__=importlib.machinery.SourceFileLoader("__main__", self.path),
        )
        # Metaflow's own named tuples, such as foreach frames, are pickled by that name too
        # (namedtuple_with_defaults in metaflow/util.py); they were made when it was preloaded.
        for name, value in vars(sys.modules["__main__"]).items():
            if isinstance(value, type) and issubclass(value, tuple):
                setattr(main, name, value)
        sys.modules["__main__"] = main


def _hide_frames(error: BaseException) -> None:
    """Have the interpreter print an uncaught exception without the frames of this module."""
    hook = sys.excepthook
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename == __file__:
        trace = trace.tb_next

    def print_hidden(kind: Any, value: Any, _: Any) -> None:
        hook(kind, value.with_traceback(trace), trace)

    sys.excepthook = print_hidden


class Known:
    """What the process had before user code ran, so that only what came after is cleaned up.

    The end of an interpreter takes apart every module: 14 ms, as long as a step itself, and all of
    it on memory that is shared with the server up to then.
    """

    def __init__(self) -> None:
        self._modules = set(sys.modules)
        self._libraries = _libraries()

    def finish(self, exit_code: int) -> None:
        """End the process like the interpreter does, but for modules that it began with.

        Returns if that would not be the same: native code may have output to flush, or work to do,
        when a process exits in the usual way.
        """
        if _libraries() - self._libraries:
            return
        threading._shutdown()  # pyright: ignore[reportAttributeAccessIssue]
        if len(os.listdir("/proc/self/task")) > 1:
            return  # daemon threads, that must stop before what they use goes
        atexit._run_exitfuncs()
        self._drop_modules()
        try:
            _close_files()
            for stream in (sys.stdout, sys.__stdout__, sys.stderr, sys.__stderr__):
                if stream is not None and not stream.closed:
                    stream.flush()
        except BaseException:
            return  # the interpreter meets it again, and says so
        os._exit(exit_code & 0xFF)

    def _drop_modules(self) -> None:
        """Take user modules apart as the interpreter does: let go of them, then empty the rest."""
        mine = [name for name in sys.modules if name not in self._modules or name == "__main__"]
        modules = [sys.modules.pop(name) for name in reversed(mine)]
        left = [weakref.ref(module) for module in modules if isinstance(module, types.ModuleType)]
        del modules
        gc.collect()
        for reference in left:
            module = reference()
            if module is not None:
                module.__dict__.clear()


def _close_files() -> None:
    """Close what user code has left open, as the end of the objects would: the outermost first."""
    files = [item for item in gc.get_objects() if isinstance(item, io.IOBase)]
    for kind in (io.TextIOBase, io.BufferedIOBase, io.IOBase):
        for file in files:
            if isinstance(file, kind) and not _is_standard(file):
                file.close()


def _is_standard(file: io.IOBase) -> bool:
    try:
        return file.closed or file.fileno() in (0, 1, 2)
    except OSError:
        return False


def _libraries() -> set[str]:
    """The files of native code in this process, but for those of the standard library."""
    with open("/proc/self/maps", encoding="utf-8", errors="replace") as file:
        paths = {line.split(maxsplit=5)[-1].rstrip() for line in file if ".so" in line}
    return {path for path in paths if "/lib-dynload/" not in path}
