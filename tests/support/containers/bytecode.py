"""Byte code of what a container unpacks, shared by all containers of this machine.

Each has its own copy of Metaflow, from the code package, and eight processes that import it: half
of their time would go into compiling it. A process gets this module in its image, see image.py. It
keeps byte code by the content of the source, so a change of that is another file.
"""

from __future__ import annotations

import hashlib
import importlib._bootstrap_external as machinery
import os
from importlib.machinery import SourceFileLoader

_UNPACKED = f"{os.sep}.mf_code{os.sep}"  # where Metaflow unpacks a code package to


def share(folder: str) -> None:
    """Keep byte code of unpacked files in this folder."""
    usual, stats = machinery.cache_from_source, SourceFileLoader.path_stats

    def cache_from_source(path, debug_override=None, *, optimization=None):
        if _UNPACKED not in path:
            return usual(path, debug_override, optimization=optimization)
        with open(path, "rb") as file:
            return os.path.join(folder, hashlib.sha1(file.read()).hexdigest() + ".pyc")

    def path_stats(self, path):
        found = stats(self, path)
        # A file that was unpacked now is no newer than its byte code.
        return {**found, "mtime": 0} if _UNPACKED in path else found

    machinery.cache_from_source = cache_from_source
    SourceFileLoader.path_stats = path_stats
