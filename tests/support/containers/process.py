"""A container as a process of this machine."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from .shim import descendants, kill_all

_SHIM = Path(__file__).with_name("shim.py")


class Container:
    """A process with a root folder, home and temporary folder of its own.

    Its environment is that of its image (``PATH``, ``HOME`` and others below), its host name and
    what it is given. Paths are those of the machine: it has no file system of its own.
    """

    def __init__(
        self,
        root: Path,
        command: Sequence[str],
        env: Mapping[str, str],
        image_bin: Path,
        name: str,
        work: Path | None = None,
    ) -> None:
        self.log = root / "log"
        work = work or root / "work"
        for folder in (root / "work", root / "home", root / "tmp", work):
            folder.mkdir(parents=True, exist_ok=True)
        env = {
            "PATH": f"{image_bin}:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin",
            "HOME": str(root / "home"),
            "TMPDIR": str(root / "tmp"),
            "LANG": "C.UTF-8",
            "HOSTNAME": name,
            "METAFLOW_SKIP_INSTALL_DEPENDENCIES": "1",  # the image has them
            **env,
        }
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-S", "-E", str(_SHIM), *command],
                cwd=work,
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    @property
    def exit_code(self) -> int | None:
        return self.process.poll()

    def terminate(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End all processes at once; the runtime then sees exit code 137."""
        while left := descendants(self.process.pid):
            kill_all(left, signal.SIGKILL)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(timeout=0.05)

    def killall5(self) -> None:
        """SIGTERM to all processes but the first, which has no handler for it."""
        first = {
            pid
            for pid in descendants(self.process.pid)
            if _parent(pid) == self.process.pid and pid == min(descendants(self.process.pid))
        }
        kill_all(descendants(self.process.pid) - first, signal.SIGTERM)

    def said(self) -> str:
        return self.log.read_text(errors="replace")


def _parent(pid: int) -> int:
    with contextlib.suppress(OSError):
        stat = Path(f"/proc/{pid}/stat").read_text(errors="replace")
        return int(stat.rpartition(")")[2].split()[1])
    return 0
