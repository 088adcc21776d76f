"""The archive of a code package. Metaflow's own files, most of it, are compressed once a machine.

A gzip file may consist of several, one after the other, and a tar file of entries that know nothing
of each other. So the entries that seldom change are one gzip file, kept in the cache of this
machine, and those of the flow are another one after it.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import tarfile
from collections.abc import Iterable, Sequence
from contextlib import suppress
from io import BytesIO

from ..contract import cache_folder

_MTIME = 1575360000  # of every entry, as in Metaflow's packaging_sys/tar_backend.py
_LEVEL = 3  # of compression, as there
_KEPT = 8  # versions of Metaflow and its extensions: environments that a machine works with

File = tuple[str, str]  # its path, and its name in the archive
Entry = tuple[str | bytes, str]  # a file, or the content of one


def pack(
    seldom_changing: Sequence[File], others: Iterable[Entry], digests: dict[str, str] | None = None
) -> bytes:
    """A ``.tgz`` with all of these entries; the same ones always give the same bytes.

    ``digests`` gets the SHA-1 of each file of ``others``, as it went into the archive, by its path.
    """
    return _kept(seldom_changing) + _compressed(others, True, digests)


def _kept(files: Sequence[File]) -> bytes:
    """The compressed files, from the cache where each of them is as it was then."""
    state = _state(files)
    folder = os.path.join(cache_folder(), "archives")
    path = os.path.join(folder, f"{state}.tgz")
    try:
        with open(path, "rb") as kept:
            os.utime(path)
            return kept.read()
    except OSError:
        pass
    blob = _compressed(files, False)
    if _state(files) == state:  # else somebody is at work on them
        # The cache saves time, nothing else: without one everything works as well.
        with suppress(OSError):
            _keep(blob, folder, path)
    return blob


def _keep(blob: bytes, folder: str, path: str) -> None:
    os.makedirs(folder, mode=0o700, exist_ok=True)
    scratch = f"{path}.{os.getpid()}"
    with open(scratch, "wb") as file:
        file.write(blob)
    os.replace(scratch, path)
    latest = sorted(os.scandir(folder), key=lambda entry: entry.stat().st_mtime, reverse=True)
    for entry in latest[_KEPT:]:
        os.unlink(entry.path)


def _state(files: Sequence[File]) -> str:
    """Differs when any of the files has been changed, replaced or renamed."""
    total = hashlib.sha1()
    for path, name in files:
        status = os.stat(path)
        version = (status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)
        total.update(repr((path, name, *version)).encode())
    return total.hexdigest()


def _compressed(
    entries: Iterable[Entry], last: bool, digests: dict[str, str] | None = None
) -> bytes:
    buffer = BytesIO()
    with gzip.GzipFile(fileobj=buffer, mode="wb", compresslevel=_LEVEL, mtime=0) as packed:
        archive = tarfile.open(fileobj=packed, mode="w", dereference=True)
        for source, name in entries:
            if isinstance(source, str):
                info = archive.gettarinfo(source, name)
                info.mtime = _MTIME
                with open(source, "rb") as file:
                    data = file.read()
                info.size = len(data)
                archive.addfile(info, BytesIO(data))
                if digests is not None:
                    digests[source] = hashlib.sha1(data).hexdigest()
            else:
                info = tarfile.TarInfo(name)
                info.mtime = _MTIME
                info.size = len(source)
                archive.addfile(info, BytesIO(source))
        if last:
            archive.close()  # writes the end mark, after which nothing is read
    return buffer.getvalue()
