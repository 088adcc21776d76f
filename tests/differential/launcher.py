"""Dagster's command line, ready at once: a process with Dagster imported forks one that runs it.

Importing Dagster takes longer than running a small job does. The forked process is alone with its
environment, folder and output, and runs the very code of the ``dagster`` command. A request is one
line of JSON on stdin (arguments, folder, environment, output file), the answer one line with the
exit code.
"""

from __future__ import annotations

import gc
import json
import math
import os
import signal
import sys
import time
import traceback
from collections.abc import Sequence


def _become(
    arguments: Sequence[str], folder: str, environment: dict[str, str], output: str
) -> None:
    os.setsid()
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    file = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(file, 1)
    os.dup2(file, 2)
    from dagster._cli import cli

    sys.argv = ["dagster", *arguments]
    cli(auto_envvar_prefix="DAGSTER_CLI")


def _fork(timeout: float, **request: object) -> int:
    """Returns the exit code of ``dagster`` with the arguments of the request.

    The command is killed after ``timeout`` seconds, and when the tests have been killed.
    """
    child = os.fork()
    if child:
        deadline, tests = time.monotonic() + timeout, os.getppid()
        while True:
            ended, status = os.waitpid(child, os.WNOHANG)
            if ended:
                return os.waitstatus_to_exitcode(status)
            if time.monotonic() > deadline or os.getppid() != tests:
                # Its tasks end with it.
                os.kill(child, signal.SIGKILL)
                deadline = math.inf
            time.sleep(0.02)
    code = 1
    try:
        _become(**request)  # type: ignore[arg-type]
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def main() -> None:
    # What `dagster job execute` imports, but no instance, thread or connection of it.
    import dagster._cli.job
    import dagster._core.events.log
    import dagster._core.execution.api
    import dagster._core.storage.event_log.sqlite.sqlite_event_log
    import dagster._core.storage.runs.sqlite.sqlite_run_storage
    import dagster._core.storage.schedules.sqlite.sqlite_schedule_storage  # noqa: F401

    gc.freeze()
    for line in sys.stdin:
        code = _fork(**json.loads(line))
        print(code, flush=True)


if __name__ == "__main__":
    main()
