"""Which pages of memory a child writes to, so that the next one has its own copies of them ahead.

A forked process shares its memory with its parent. The first write to each page copies it, at the
cost of a page fault: some 3,000 of them in a task, a quarter of its time. They are nearly the same
ones from task to task, as Python counts references in the objects themselves. One child so tells
at its end which pages are its own, and a child that has nothing to do yet copies those.

Source: https://docs.kernel.org/admin-guide/mm/pagemap.html, and MADV_POPULATE_WRITE in madvise(2),
which Linux has since 5.14. Without either of them nothing is copied ahead.
"""

from __future__ import annotations

import ctypes
import mmap
import struct
from array import array
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress

_LESSONS = 2  # `init`, which comes first, writes to other pages than steps do
_POPULATE_WRITE = 23  # linux/mman.h
_MOST_RANGES = 4000
_BATCH = 30  # ranges between looks at whether there is something else to do
_GAP = 1  # pages between two ranges that are copied as well, as a call costs as much
_PRESENT, _IS_FILE, _EXCLUSIVE = 1 << 63, 1 << 61, 1 << 56
_COUNTS = struct.Struct("QQ")  # lessons, and ranges
_RANGE = struct.Struct("QQ")  # address and bytes


class Pages:
    """Ranges of the memory that a server has when this is made.

    They are in a map that it shares with its children.
    """

    def __init__(self) -> None:
        self._spans = list(_writable_spans())
        self._map = mmap.mmap(-1, _COUNTS.size + _MOST_RANGES * _RANGE.size)
        self._madvise = ctypes.CDLL(None).madvise
        self._madvise.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]

    def are_known(self) -> bool:
        """Whether enough children have told."""
        return _COUNTS.unpack_from(self._map)[0] >= _LESSONS

    def tell(self) -> None:
        """In a child that is about to end: note the pages that it has to itself.

        Raises:
            OSError: the system does not say which.
        """
        lessons, _ = _COUNTS.unpack_from(self._map)
        count = 0
        for start, size in _ranges(_own_pages(self._spans)):
            if count == _MOST_RANGES:
                break
            _RANGE.pack_into(self._map, _COUNTS.size + count * _RANGE.size, start, size)
            count += 1
        _COUNTS.pack_into(self._map, 0, lessons + 1, count)

    def copy(self, is_over: Callable[[], bool]) -> None:
        """In a new child: copy the pages that were told, until something else is to be done.

        To copy them is no less work than to have them copied one by one, but nothing waits for it.
        """
        _, count = _COUNTS.unpack_from(self._map)
        madvise = self._madvise
        known = self._map[_COUNTS.size : _COUNTS.size + count * _RANGE.size]
        for number, (start, size) in enumerate(_RANGE.iter_unpack(known)):
            if number % _BATCH == 0 and is_over():
                break
            madvise(start, size, _POPULATE_WRITE)  # what cannot be copied is left alone


def _writable_spans() -> Iterator[tuple[int, int]]:
    """The beginning and the end of each part of memory that is written to by this process only."""
    with suppress(OSError), open("/proc/self/maps") as maps:
        for line in maps:
            span, how = line.split()[:2]
            if how == "rw-p":
                start, end = span.split("-")
                yield int(start, 16), int(end, 16)


def _own_pages(spans: Iterable[tuple[int, int]]) -> Iterator[int]:
    """The addresses of pages that this process shares with no other."""
    own = _PRESENT | _EXCLUSIVE
    with open("/proc/self/pagemap", "rb", 0) as pagemap:
        for start, end in spans:
            pagemap.seek(start // mmap.PAGESIZE * 8)
            entries = array("Q", pagemap.read((end - start) // mmap.PAGESIZE * 8))
            for number, entry in enumerate(entries):
                if entry & own == own and not entry & _IS_FILE:
                    yield start + number * mmap.PAGESIZE


def _ranges(pages: Iterator[int]) -> Iterator[tuple[int, int]]:
    """Address and size of each run of neighbours among `pages`, which are in order."""
    start = end = 0
    for page in pages:
        if page > end + _GAP * mmap.PAGESIZE:
            if end:
                yield start, end - start
            start = page
        end = page + mmap.PAGESIZE
    if end:
        yield start, end - start
