"""Programs that tests start, and wait for."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


def needed(program: str, package: str) -> str:
    """The path of a program; without it the test fails, and says what to install."""
    places = [os.environ["PATH"], *map(str, Path("/usr/lib/postgresql").glob("*/bin"))]
    path = shutil.which(program, path=os.pathsep.join(places))
    if path is None:
        pytest.fail(
            f"{program} is not on the PATH, and this test needs it: install {package} with the "
            f"system's package manager (apt-get install {package}).",
            pytrace=False,
        )
    return path


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def wait_for(what: str, condition: Callable[[], Any], seconds: float = 120) -> Any:
    """What ``condition`` gives as soon as that is true."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(0.1)
    pytest.fail(f"{what} did not happen in {seconds} s", pytrace=False)


def end(process: subprocess.Popen[Any]) -> None:
    """End a process that leads a group, and what it started."""
    for sig, patience in ((signal.SIGTERM, 5), (signal.SIGKILL, 5)):
        try:
            os.killpg(process.pid, sig)
            process.wait(timeout=patience)
        except ProcessLookupError:
            return
        except subprocess.TimeoutExpired:
            continue
