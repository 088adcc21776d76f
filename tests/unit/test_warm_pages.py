"""A child has copies of the pages that the one before it has written to."""

from __future__ import annotations

import platform
import re
import subprocess
import sys
from pathlib import Path

import pytest

from metaflow_extensions.dagster import warm

RELEASE = tuple(map(int, re.findall(r"\d+", platform.release())[:2]))

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux") or RELEASE < (5, 14),
    reason="MADV_POPULATE_WRITE is of Linux 5.14",
)

PAGES = 4000
CHILDREN = """
import mmap, os, resource, sys
sys.path.insert(0, sys.argv[1])
from warm_pages import Pages

size = int(sys.argv[2]) * mmap.PAGESIZE
memory = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
pages = Pages()

def write(value):
    # To every second half megabyte; returns the page faults of that.
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for half in range(0, size, 1 << 20):
        for place in range(half, min(half + (1 << 19), size), mmap.PAGESIZE):
            memory[place] = value
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

for place in range(0, size, mmap.PAGESIZE):
    memory[place] = 1
for number in range(3):
    sys.stdout.flush()
    if os.fork():
        os.wait()
        continue
    pages.copy(lambda: False)
    faults = write(2)
    print(pages.are_known(), faults, set(memory[:: mmap.PAGESIZE]) == {1, 2})
    pages.tell()
    sys.stdout.flush()
    os._exit(0)
print(pages.are_known(), set(memory[:: mmap.PAGESIZE]) == {1})
"""


def test_pages_are_copied_ahead():
    folder = str(Path(warm.__file__).parent)
    said = subprocess.run(
        [sys.executable, "-c", CHILDREN, folder, str(PAGES)],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    known, faults, right = zip(*(line.split() for line in said[:3]), strict=True)
    assert known == ("False", "False", "True")
    assert int(faults[0]) > PAGES // 3
    assert max(map(int, faults[1:])) < PAGES // 20
    assert set(right) == {"True"}
    assert said[3] == "True True"
