"""A stand-in for micromamba: its environments are venvs, its channel is a variable.

``STANDIN_ROOT`` is its root prefix, ``STANDIN_LOG`` takes a line for each call, and
``STANDIN_VERSION`` is the version that the channel has; without it no channel can be reached.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
from pathlib import Path


def main(args: list[str]) -> object:
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
    if "--dry-run" in args:
        version = os.environ["STANDIN_VERSION"]
        url = f"https://channel.example/linux-64/widget-{version}-0.conda"
        return {"actions": {"LINK": [{"url": url}]}}
    if "--prefix" in args:
        prefix = args[args.index("--prefix") + 1]
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", prefix], check=True)
        version = args[-1].split("-")[-2]
        (site,) = Path(prefix).glob("lib/python*/site-packages")
        (site / "widget.py").write_text(f"VERSION = {version!r}\n")
        (site / "metaflow.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return {}


def install(folder: Path) -> None:
    """Put the stand-in, as ``micromamba``, into a folder."""
    folder.mkdir()
    path = folder / "micromamba"
    path.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{__file__}" "$@"\n')
    path.chmod(0o755)


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1:])))
