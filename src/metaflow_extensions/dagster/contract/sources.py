"""Which files are a flow's code, and whether they are still what was deployed."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator

from . import GENERATED

_digests: dict[str, tuple[tuple[int, int], str]] = {}  # by file, with time and size


def source_change(folder: str, suffixes: list[str], deployed: dict[str, str]) -> str:
    """What makes a flow's code on this machine another than the deployed one; else nothing.

    Args:
        folder: Where the flow is.
        suffixes: Endings of files in it that count even if they were not deployed.
        deployed: The SHA-1 of each deployed file by its path, relative to `folder` or absolute.
    """
    for name, digest in deployed.items():
        found = file_digest(os.path.join(folder, name))
        if found != digest:
            return f"{name} {'is not as it was deployed' if found else 'is not here'}"
    for path in source_files(folder, tuple(suffixes)):
        name = os.path.relpath(path, folder)
        if name not in deployed and file_digest(path):
            return f"{name} was not deployed"
    return ""


def file_digest(path: str) -> str:
    """The SHA-1 of a file's content; nothing for generated files, and for what is no file."""
    if not os.path.isfile(path):  # absent, or a dangling link
        return ""
    status = os.stat(path)
    version = (status.st_mtime_ns, status.st_size)
    if _digests.get(path, (None,))[0] != version:
        with open(path, "rb") as file:
            content = file.read()
        generated = content.startswith(GENERATED)
        digest = "" if generated else hashlib.sha1(content).hexdigest()
        _digests[path] = (version, digest)
    return _digests[path][1]


def source_files(folder: str, suffixes: tuple[str, ...]) -> Iterator[str]:
    """Files with these endings; what is hidden is left out, as in Metaflow's code package."""
    seen = set[str]()
    for parent, folders, files in os.walk(folder, followlinks=True):
        real = os.path.realpath(parent)
        folders[:] = [] if real in seen else sorted(filter(_counts, folders))
        if real not in seen:
            yield from (
                os.path.join(parent, name)
                for name in files
                if _counts(name) and name.lower().endswith(suffixes)
            )
        seen.add(real)


def _counts(name: str) -> bool:
    return not name.startswith(".") and name != "__pycache__"
