"""``python -m metaflow_dagster._compile READS FLOW ARGS``: run a flow's command, note what it read.

READS is the file to write: a JSON list of the files that were opened or imported, without those of
installed packages. They decide, together with the flow's folder, whether a result is still good.
"""

from __future__ import annotations

import atexit
import json
import os
import runpy
import sys
import sysconfig
from importlib.util import source_from_cache
from typing import Any

from metaflow_extensions.dagster.contract import cache_folder


def main() -> None:
    """Run the flow as ``python FLOW ARGS`` would."""
    reads_file, flow_file = sys.argv[1:3]
    opened: set[str] = set()

    def listen(event: str, args: tuple[Any, ...]) -> None:
        if event == "open" and isinstance(args[0], str):
            writes = isinstance(args[1], str) and any(letter in args[1] for letter in "wax+")
            if not writes:
                opened.add(os.path.abspath(args[0]))

    sys.addaudithook(listen)
    owner = os.getpid()

    def note() -> None:
        if os.getpid() != owner:
            return
        found = sorted({_source(path) for path in tuple(opened)} - {flow_file})
        with open(reads_file, "w", encoding="utf-8") as file:
            json.dump([path for path in found if _counts(path)], file)

    atexit.register(note)
    sys.argv = sys.argv[2:]
    sys.path[0] = os.path.dirname(flow_file)
    runpy.run_path(flow_file, run_name="__main__")


def _source(path: str) -> str:
    """The source of compiled Python."""
    try:
        return source_from_cache(path) if path.endswith(".pyc") else path
    except ValueError:
        return path


def _counts(path: str) -> bool:
    paths = sysconfig.get_paths()
    installed = {os.path.realpath(paths[name]) for name in ("stdlib", "purelib", "platlib")}
    ours = os.path.dirname(os.path.abspath(__file__))
    system = ("/proc", "/dev", "/sys", "/etc", os.path.realpath(sys.prefix), cache_folder())
    real = os.path.realpath(path)
    parts = real.split(os.sep)
    return (
        os.path.isfile(real)
        and not real.startswith(tuple(place + os.sep for place in (*installed, *system, ours)))
        and not {".metaflow", "site-packages", "dist-packages", "metaflow_extensions"} & {*parts}
    )


if __name__ == "__main__":
    main()
