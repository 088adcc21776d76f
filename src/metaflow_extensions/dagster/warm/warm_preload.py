"""What the warm server does once so that no child has to: imports, and facts that tasks share.

Metaflow internals are used here, each where it is missing being passed over: they save time and
change nothing.
"""

from __future__ import annotations

import gc
import importlib
import importlib.util
import inspect
import json
import linecache
import os
import sys
import time
from contextlib import suppress
from importlib.machinery import ModuleSpec, SourceFileLoader
from types import CodeType

_GIT_SECONDS = 5.0  # how long facts about a flow's git repository are taken to hold

# What a step imports between its first line and its end. init_cmd and run_cmds stay out: they bind
# the parameters of the flow that is loaded when they are imported.
_PRELOAD = (
    "metaflow",
    "metaflow.cli",
    "metaflow.cli_components.step_cmd",
    "metaflow.task",
    "metaflow.clone_util",
)
# Modules among these that bind options of the flow; they are imported for their own imports, and
# each child executes them anew.
_BOUND_TO_FLOW = ("metaflow.cli",)


def preload() -> None:
    """Import what steps need, in a state that children can share.

    Raises:
        RuntimeError: an import has started threads, which do not survive a fork.
    """
    gc.disable()
    for name in _PRELOAD:
        importlib.import_module(name)
    _rehearse()
    _write_metadata_faster()
    for name in _BOUND_TO_FLOW:
        _forget(name)
    threads = len(os.listdir("/proc/self/task"))
    if threads > 1:
        raise RuntimeError(f"importing Metaflow started {threads - 1} threads")
    gc.freeze()  # to look for garbage first takes a seventh of all this, and finds little
    gc.enable()


def _rehearse() -> None:
    """Fill caches that hold nothing of a flow: compiled patterns, and Metaflow's version."""
    inspect.getsourcelines(json.dumps)
    linecache.clearcache()
    graph = sys.modules.get("metaflow.graph")
    if hasattr(graph, "deindent_docstring"):
        graph.deindent_docstring("a\n    b")  # pyright: ignore[reportOptionalMemberAccess]
    version = sys.modules.get("metaflow.metaflow_version")
    if hasattr(version, "get_version"):
        version.get_version()  # pyright: ignore[reportOptionalMemberAccess]


def _write_metadata_faster() -> None:
    from metaflow_extensions.dagster import _metaflow_internals as internals

    # The extension may be that of the flow's code package, which is as old as its deployment.
    with suppress(ImportError, internals.MetaflowVersionError):
        from metaflow_extensions.dagster._metaflow_internals import local_metadata

        local_metadata.write_files_in_one_piece()


def _forget(name: str) -> None:
    """Have the next import of a module execute it again, without reading and compiling it."""
    module = sys.modules.pop(name)
    parent, _, child = name.rpartition(".")
    delattr(sys.modules[parent], child)
    loader = getattr(module.__spec__, "loader", None)
    if isinstance(loader, SourceFileLoader):
        code = loader.get_code(name)
        if code is not None:
            sys.meta_path.insert(0, _Forgotten(name, loader.path, code))


class _Forgotten(SourceFileLoader):
    """Finds one module, once, and loads it from code that is here already."""

    def __init__(self, name: str, path: str, code: CodeType) -> None:
        super().__init__(name, path)
        self._code = code

    def find_spec(self, name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        if name != self.name:
            return None
        sys.meta_path.remove(self)  # pyright: ignore[reportArgumentType]
        return importlib.util.spec_from_file_location(name, self.path, loader=self)

    def get_code(self, fullname: str) -> CodeType | None:
        return self._code


class GitFacts:
    """What Metaflow records of the repository that a flow is in: five git commands for each task.

    They are asked for again after some seconds.
    """

    def __init__(self) -> None:
        self._known: dict[str, tuple[float, dict[str, str | bool] | None]] = {}

    def of(self, folder: str) -> dict[str, str | bool] | None:
        """The facts of a folder; None for one that is not there."""
        if not os.path.isdir(folder):
            return None
        from metaflow_extensions.dagster import _metaflow_internals as internals

        asked, facts = self._known.get(folder, (float("-inf"), None))
        if time.monotonic() - asked > _GIT_SECONDS:
            with suppress(internals.MetaflowVersionError):
                facts = internals.read_repository(folder)
                self._known[folder] = (time.monotonic(), facts)
        return facts


def know_repository(facts: dict[str, str | bool] | None) -> None:
    """Have the child find these facts in Metaflow's own cache."""
    from metaflow_extensions.dagster import _metaflow_internals as internals

    with suppress(internals.MetaflowVersionError):
        internals.know_repository(facts)
