"""Functions of ``@exit_hook``, called when a run has ended."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterable

from .code import code_of
from .environ import environment
from .flow import Flow

_SCRIPT = "metaflow.plugins.exit_hook.exit_hook_script"


def call_exit_hooks(
    flow: Flow, names: Iterable[str], run_id: str, report: Callable[[str], None]
) -> None:
    """Call each function in a process of its own, as a native run does (metaflow/runtime.py).

    What goes wrong in one is reported and stops neither the others nor the run.
    """
    pathspec = f"{flow.flow_name}/{run_id}"
    code = code_of(flow)
    for name in names:
        try:
            done = subprocess.run(
                [sys.executable, "-m", _SCRIPT, code.file, name, pathspec],
                env=environment(flow, code),
                cwd=code.folder,
                check=False,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
            )
        except OSError as error:
            report(f"Exit hook {name} could not be started: {error}")
            continue
        how = f"failed (exit code {done.returncode})" if done.returncode else "ended"
        report(f"Exit hook {name} of {pathspec} {how}.\n{done.stdout}".rstrip())
