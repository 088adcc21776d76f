"""Which commands a warm server can stand for, and which of them one server."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence

from ..contract import variables

_SITE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "site")

# Variables that differ from task to task and that nothing reads at import. Any other METAFLOW_*
# variable may be a setting, and settings are read at import (metaflow_config_funcs.from_conf).
_PER_TASK_PREFIXES = ("METAFLOW_RUN_", "METAFLOW_INIT_", variables.PREFIX, "METAFLOW_TASK_")
_PER_TASK = frozenset({"METAFLOW_RUNTIME_ENVIRONMENT", "METAFLOW_PRODUCTION_TOKEN"})
# What the loader, the interpreter and the C library read when a process starts, what tracing and
# coverage read at import, and who the user is and where Metaflow's configuration files are.
_START_PREFIXES = (
    "METAFLOW_",
    "PYTHON",
    "LD_",
    "LC_",
    "MALLOC_",
    "COVERAGE_",
    "OTEL_",
    "XDG_",
    "GIT_",
)
_START = frozenset(
    "LANG LANGUAGE GLIBC_TUNABLES HOME USER LOGNAME USERNAME SUDO_USER VIRTUAL_ENV CONDA_PREFIX "
    "DISABLE_TRACING PATH".split()
)


def server_command(cmd: Sequence[str]) -> list[str] | None:
    """The beginning of `cmd` up to the script, if a server can stand for it.

    Only Linux: forking without exec is unsafe with macOS's frameworks. Only this interpreter:
    another one (conda, pypi) has other packages, and options would have to be those of the server.
    """
    if not sys.platform.startswith("linux") or not cmd:
        return None
    script = 2 if cmd[1:2] == ["-u"] else 1
    if len(cmd) <= script or not cmd[script].endswith(".py") or cmd[script].startswith("-"):
        return None
    return list(cmd[: script + 1]) if _is_this_interpreter(cmd[0]) else None


def _is_this_interpreter(path: str) -> bool:
    """Whether `path` is `sys.executable`, perhaps by another name in the same folder.

    Virtual environments link to a common interpreter, so the file alone does not tell.
    """
    if path == sys.executable:
        return True
    if os.path.dirname(path) != os.path.dirname(sys.executable) or not os.path.isabs(path):
        return False
    return os.path.exists(path) and os.path.samefile(path, sys.executable)


def _is_per_task(name: str) -> bool:
    """Whether a variable may differ between two tasks of one server without any effect on it."""
    return name in _PER_TASK or (
        name.startswith(_PER_TASK_PREFIXES)
        or (name.startswith("METAFLOW_") and name.endswith(("_TRIGGER", "_TRIGGERS")))
    )


def _is_import_time(name: str) -> bool:
    """Whether a variable has an effect when the interpreter starts or Metaflow is imported."""
    return not _is_per_task(name) and (name in _START or name.startswith(_START_PREFIXES))


def server_env(env: Mapping[str, str], descriptor: int) -> dict[str, str]:
    """The environment of a server: what its tasks share, and how it learns what it is."""
    shared = {name: value for name, value in env.items() if not _is_per_task(name)}
    path = shared.get("PYTHONPATH")
    shared["PYTHONPATH"] = f"{_SITE}{os.pathsep}{path}" if path else _SITE
    shared[variables.WARM_SERVER] = str(descriptor)
    return shared


def server_key(command: Sequence[str], env: Mapping[str, str], cwd: str) -> tuple[object, ...]:
    """What two commands must share to be forked from one server.

    The working directory counts: Metaflow looks for a local configuration from there upward, and
    relative entries of PYTHONPATH begin there.
    """
    settings = sorted(item for item in env.items() if _is_import_time(item[0]))
    return (cwd, *command, *settings)
