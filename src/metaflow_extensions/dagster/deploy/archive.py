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
from collections.abc import Iterable
from contextlib import suppress
from io import BytesIO

from ..runtime.source import _cache_folder

_MTIME = 1575360000  # of every entry, as in Metaflow's packaging_sys/tar_backend.py
_LEVEL = 3  # of compression, as there
_KEPT = 8  # versions of Metaflow and its extensions: environments that a machine works with

Entry = tuple[str | bytes, str]  # the path or the content of a file, and its name in the archive


def pack(seldom_changing: Iterable[Entry], others: Iterable[Entry]) -> bytes:
    """A ``.tgz`` with all of these entries; the same ones always give the same bytes."""
    return _kept(list(seldom_changing)) + _compressed(others, last=True)


def _kept(entries: list[Entry]) -> bytes:
    """The compressed entries, from the cache where every file is as it was then."""
    folder = os.path.join(_cache_folder(), "archives")
    path = os.path.join(folder, f"{_fingerprint(entries)}.tgz")
    try:
        with open(path, "rb") as file:
            os.utime(path)
            return file.read()
    except OSError:
        pass
    blob = _compressed(entries, last=False)
    # The cache saves time, nothing else: without one everything works as well.
    with suppress(OSError):
        os.makedirs(folder, mode=0o700, exist_ok=True)
        scratch = f"{path}.{os.getpid()}"
        with open(scratch, "wb") as file:
            file.write(blob)
        os.replace(scratch, path)
        latest = sorted(os.scandir(folder), key=lambda e: e.stat().st_mtime, reverse=True)
        for entry in latest[_KEPT:]:
            os.unlink(entry.path)
    return blob


def _fingerprint(entries: list[Entry]) -> str:
    total = hashlib.sha1()
    for source, name in entries:
        if isinstance(source, str):
            status = os.stat(source)
            version = (status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)
            total.update(repr((source, name, *version)).encode())
        else:
            total.update(repr((source, name)).encode())
    return total.hexdigest()


def _compressed(entries: Iterable[Entry], last: bool) -> bytes:
    buffer = BytesIO()
    with gzip.GzipFile(fileobj=buffer, mode="wb", compresslevel=_LEVEL, mtime=0) as packed:
        archive = tarfile.open(fileobj=packed, mode="w", dereference=True)
        for source, name in entries:
            if isinstance(source, str):
                info = archive.gettarinfo(source, name)
                info.mtime = _MTIME
                with open(source, "rb") as file:
                    archive.addfile(info, file)
            else:
                info = tarfile.TarInfo(name)
                info.mtime = _MTIME
                info.size = len(source)
                archive.addfile(info, BytesIO(source))
        if last:
            archive.close()  # writes the end mark, after which nothing is read
    return buffer.getvalue()
