"""What an op shows of a task's output."""

from __future__ import annotations

import io

import pytest

from metaflow_extensions.dagster.driver.process import _Stream

HEADER = b"[MFLOG|0|2026-01-02T03:04:05.000006Z|task|6a0b]"


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        (b"plain\nlines", b"plain\nlines"),
        (HEADER + b"[pod a] one\n[![MFLOG|0|nothing\n", b"[pod a] one\n[![MFLOG|0|nothing\n"),
        (b"[!" + HEADER + b"one\n" + HEADER + b"two", b"one\ntwo"),
        (b"a " + HEADER + b"one\n", b"a " + HEADER + b"one\n"),
        (b"[=  ]\r[== ]\r[MF\n\n", b"[=  ]\r[== ]\r[MF\n\n"),
    ],
)
@pytest.mark.parametrize("size", [1, 7, 1000])
def test_lines_of_a_pod_are_shown_as_natively(given: bytes, shown: bytes, size: int) -> None:
    sink = io.BytesIO()
    stream = _Stream(sink, [])
    for start in range(0, len(given), size):
        stream.feed(given[start : start + size])
    stream.feed(b"")
    assert sink.getvalue() == shown
