"""The end of a warm child: all that a step would notice of an interpreter's end, and no more.

Python's own end takes apart every module, and touches every name that is in use: some 20 ms, in
which most of the memory that a child shares with the server is copied, as much as a step takes.
"""

from __future__ import annotations

import atexit
import ctypes
import gc
import inspect
import sys
import weakref
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from itertools import takewhile
from typing import Any, TextIO


class Shared:
    """What children share with the server, which is not taken apart at their end."""

    def __init__(self) -> None:
        self._names = sys.modules.keys() - {"sys", "builtins", "__main__"}
        self._newest_name = next(reversed(sys.modules))
        self._in_sys = set(vars(sys))
        # Nothing frees what refers to itself and is frozen, so nor what it refers to.
        self._kept: list[Any] = []
        self._kept.append(self._kept)
        self._last: Callable[[], None] | None = None
        self._last_exit = _LastExit()
        with suppress(Exception):  # then children end as other interpreters do
            self._last_exit.watch()
        gc.freeze()

    def keep(self, thing: Any) -> None:
        """Have children not free what is of the server, as that copies pages."""
        self._kept.append(thing)

    def keep_at_exit(self, last: Callable[[], None] | None) -> None:
        """In a child: as the first function registered, this one runs as the last.

        Args:
            last: To be called when nothing of the user's is left.
        """
        self._last = last
        atexit.register(self._end)

    def _end(self) -> None:
        code = self._last_exit.code
        if code is not None:
            # Where this fails, Python meets the same error, and says what it says then.
            with suppress(Exception):
                _flush(sys.stdout, sys.stderr)
                self._release()
                _flush(sys.__stdout__, sys.__stderr__)
                if self._last is not None:
                    with suppress(OSError, ValueError):
                        self._last()
                ctypes.PyDLL(None).exit(code)  # holds Python's lock, so that no other thread runs
        for name in list(sys.modules):
            if self._is_shared(name):
                self._kept.append(sys.modules.pop(name))

    def _is_shared(self, name: str) -> bool:
        return name in self._names or name.startswith("metaflow.")

    def _own_names(self) -> list[str]:
        """The modules that the child has imported, the oldest first.

        Those of the server come before them, and a look at all of these would copy many pages.
        """
        new = takewhile(lambda name: name != self._newest_name, reversed(sys.modules))
        kept = ("sys", "builtins", "__main__")
        own = [name for name in new if name not in kept and not self._is_shared(name)]
        return ["__main__", *reversed(own)]

    def _release(self) -> None:
        """Free what user code has made, as ``finalize_modules`` does (Python/pylifecycle.c): the
        modules, then what modules name that something else still refers to.

        Natively Metaflow refers to a flow to the end, and so to the main module that defines it.
        """
        sys.stdin, sys.stdout, sys.stderr = sys.__stdin__, sys.__stdout__, sys.__stderr__
        main = vars(sys.modules["__main__"])
        left = [weakref.ref(sys.modules.pop(name)) for name in self._own_names()]
        gc.collect()
        has_flow = any(_is_flow(value) for value in main.values())
        if not has_flow:
            _clear(main)
        for reference in reversed(left):
            module = reference()
            if module is not None and vars(module) is not main:
                _clear(vars(module))
        sys.stdin = sys.stdout = sys.stderr = None
        if has_flow:
            _clear(main)
        for name in vars(sys).keys() - self._in_sys:
            setattr(sys, name, None)
        gc.collect()


def _is_flow(value: Any) -> bool:
    return isinstance(value, type) and any(
        kind.__module__ == "metaflow.flowspec" for kind in value.__mro__[1:]
    )


def _clear(names: dict[str, Any]) -> None:
    """As ``_PyModule_ClearDict`` (Objects/moduleobject.c): names of one underscore go first."""
    for is_private in (True, False):
        for name in list(names):
            if name != "__builtins__" and (name[:1] == "_" != name[1:2]) is is_private:
                names[name] = None


def _flush(*streams: TextIO | None) -> None:
    for stream in streams:
        if stream is not None and not stream.closed:
            stream.flush()


class _LastExit:
    """Finds out with which code the interpreter ends, before it does.

    Python asks a SystemExit for its `code` when nothing has caught it, and then ends. Those of
    Metaflow's commands are of a kind that sees whether it was Python itself that asked.

    Attributes:
        code: None for any other end than by a command of Metaflow's.
    """

    def __init__(self) -> None:
        self.code: int | None = None

    def watch(self) -> None:
        """Have Metaflow's commands end by a SystemExit that tells."""
        from metaflow_extensions.dagster import _metaflow_internals as internals

        last = self
        slot: Any = vars(SystemExit)["code"]

        class Watched(SystemExit):
            @property
            def code(self) -> Any:  # pyright: ignore[reportIncompatibleVariableOverride]
                code: Any = slot.__get__(self)
                if _is_asked_by_python() and (code is None or type(code) is int):
                    last.code = code or 0
                return code

            @code.setter
            def code(self, code: Any) -> None:  # pyright: ignore[reportIncompatibleVariableOverride]
                slot.__set__(self, code)

            def __reduce__(self) -> tuple[Any, ...]:
                return SystemExit, self.args

        Watched.__name__ = Watched.__qualname__ = "SystemExit"
        Watched.__module__ = "builtins"

        # Called from C, so that tracebacks look the same.
        raise_error = ctypes.pythonapi.PyErr_SetObject
        raise_error.argtypes = [ctypes.py_object, ctypes.py_object]
        raise_error.restype = None
        internals.end_commands_by(partial(raise_error, Watched))


def _is_asked_by_python() -> bool:
    """Whether the caller's caller is no Python function, but the interpreter at its end."""
    frame = inspect.currentframe()
    caller = frame and frame.f_back
    return caller is not None and caller.f_back is None
