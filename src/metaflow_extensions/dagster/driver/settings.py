"""A flow's settings of Metaflow, in a process that may run steps of several flows.

Metaflow reads its settings when it is imported, and keeps them. A worker of Celery or Dask lasts
longer than a run, so where the next flow has other ones, Metaflow is forgotten and imported anew.
"""

from __future__ import annotations

import os
import sys
import threading

from .flow import Flow

_OURS = __name__.rsplit(".", 2)[0]
_KEPT = tuple(f"{_OURS}.{name}" for name in ("contract", "driver", "executor", "runtime", "warm"))
_PLAIN = ("metaflow_extensions", _OURS, *(f"{_OURS}.{name}" for name in ("process_end", "streams")))

_lock = threading.Lock()
_given: dict[str, str] = {}  # what this process has from flows; its own environment goes first


def use_settings(flow: Flow) -> None:
    """Have this process use the flow's settings when it imports Metaflow."""
    with _lock:
        own = {name: value for name, value in os.environ.items() if name not in _given}
        wanted = {n: v for n, v in flow.metaflow_step_env.items() if n not in own}
        if wanted == _given:
            return
        changed = {n for n in {*wanted, *_given} if wanted.get(n) != _given.get(n)}
        for name in _given:
            os.environ.pop(name, None)
        os.environ.update(wanted)
        _given.clear()
        _given.update(wanted)
        if _has_read(changed):
            _forget()


def _has_read(names: set[str]) -> bool:
    """Whether Metaflow has been imported and keeps one of these settings."""
    config = sys.modules.get("metaflow.metaflow_config")
    return any(hasattr(config, name.removeprefix("METAFLOW_")) for name in names)


def _forget() -> None:
    """Have the next import of Metaflow read its settings again.

    Whatever imports it goes too: our own parts that do, and other extensions.
    """
    for name in list(sys.modules):
        package = name.partition(".")[0]
        is_kept = name in _PLAIN or name.startswith(_KEPT)
        if package == "metaflow" or (package == "metaflow_extensions" and not is_kept):
            del sys.modules[name]
