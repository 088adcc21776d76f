"""A stand-in for micromamba and for pip in its environments, which are venvs.

``STANDIN_ROOT`` is its root prefix, ``STANDIN_LOG`` takes a line for each call, and
``STANDIN_VERSION`` is the version of each package that channels and indices have; without it none
can be reached, and packages must be where micromamba and pip keep them. At the next creation of
an environment it kills the process that called it if the file ``STANDIN_KILL`` exists.
"""

from __future__ import annotations

import json
import os
import platform
import re
import signal
import subprocess
import sys
import sysconfig
from pathlib import Path

CHANNEL, INDEX = "https://channel.example/linux-64", "https://index.example/wheels"
Reply = dict[str, object] | list[object] | str


def main(args: list[str]) -> Reply:
    root = Path(os.environ["STANDIN_ROOT"])
    with open(os.environ["STANDIN_LOG"], "a") as log:
        log.write(" ".join(args) + "\n")
    if args[:2] == ["config", "list"]:
        return {
            "channels": [],
            "envs_dirs": [str(root / "envs")],
            "pkgs_dirs": [str(root / "pkgs")],
            "platform": "linux-64",
        }
    if args[:2] == ["env", "list"]:
        return {"envs": [str(path) for path in (root / "envs").glob("metaflow/*/*")]}
    if args[0] == "list":
        return [{"name": "python", "version": platform.python_version()}]
    if args[0] == "run":
        return _pip(Path(args[2]), args[4:])
    if "--dry-run" in args:
        return {
            "actions": {"LINK": [{"url": _url(CHANNEL, name, ".conda")} for name in _named(args)]}
        }
    urls = [arg for arg in args if arg.startswith(CHANNEL)]
    files = [_download(url, root / "pkgs") for url in urls]
    if "--prefix" in args:
        _create(Path(args[args.index("--prefix") + 1]), files)
    return {}


def _named(args: list[str]) -> list[str]:
    """The packages that are asked for, such as ``widget`` for ``widget==1``."""
    return [found[1] for arg in args if (found := re.match(r"(\w+)[<>=]", arg))]


def _url(base: str, name: str, ending: str) -> str:
    return f"{base}/{name}-{os.environ['STANDIN_VERSION']}-0{ending}"


def _download(url: str, folder: Path) -> Path:
    """A package is a module of its name with its version."""
    path = folder / url.rsplit("/", 1)[1]
    if not path.exists():
        if "STANDIN_VERSION" not in os.environ:
            sys.exit(f"cannot reach {url}")
        folder.mkdir(parents=True, exist_ok=True)
        path.write_text(f"VERSION = {path.name.split('-')[1]!r}\n")
    return path


def _install(files: list[Path], prefix: Path) -> None:
    (site,) = prefix.glob("lib/python*/site-packages")
    for file in files:
        (site / f"{file.name.split('-')[0]}.py").write_text(file.read_text())


def _create(prefix: Path, files: list[Path]) -> None:
    kill = Path(os.environ.get("STANDIN_KILL", os.devnull))
    if kill.is_file():
        kill.unlink()
        (prefix / "conda-meta").mkdir(parents=True)
        os.kill(os.getppid(), signal.SIGKILL)
        sys.exit(1)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(prefix)], check=True)
    # What Metaflow needs is where Metaflow itself is.
    _install([file for file in files if file.name.startswith("widget")], prefix)
    (site,) = prefix.glob("lib/python*/site-packages")
    (site / "metaflow.pth").write_text(sysconfig.get_path("purelib") + "\n")
    (prefix / "conda-meta").mkdir(exist_ok=True)
    for file in files:
        (prefix / "conda-meta" / f"{file.stem}.json").write_text("{}")


def _pip(prefix: Path, args: list[str]) -> Reply:
    command = next(arg for arg in args if not arg.startswith("-"))
    option = {arg.split("=")[0]: arg.split("=")[-1] for arg in args}
    if "--dry-run" in args:
        names = [name for name in _named(args) if name == "gadget"]
        items = [{"download_info": {"url": _url(INDEX, name, ".whl")}} for name in names]
        Path(option["--report"]).write_text(json.dumps({"install": items}))
    elif command == "download":
        for url in args:
            if url.startswith(INDEX):
                _download(url, Path(option["--dest"]))
    elif command == "install":
        _install([Path(arg) for arg in args if arg.endswith(".whl")], prefix)
    return ""


def install(folder: Path) -> None:
    """Put the stand-in, as ``micromamba``, into a folder."""
    folder.mkdir()
    path = folder / "micromamba"
    path.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{__file__}" "$@"\n')
    path.chmod(0o755)


if __name__ == "__main__":
    reply = main(sys.argv[1:])
    print(reply if isinstance(reply, str) else json.dumps(reply))
