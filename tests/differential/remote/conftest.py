"""A reader of what is in S3 and in the metadata service."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.remote import Remote

from .. import runs


@pytest.fixture
def troubled_reader(troubled: Remote, tmp_path: Path) -> Iterator[runs.Reader]:
    """The session's reader knows the addresses of the session's servers only."""
    (tmp_path / "troubled").mkdir()
    reader = runs.Reader(tmp_path / "troubled", troubled.env)
    yield reader
    reader.close()


@pytest.fixture(scope="session")
def reader(remote: Remote, tmp_path_factory: pytest.TempPathFactory) -> Iterator[runs.Reader]:
    reader = runs.Reader(tmp_path_factory.mktemp("reader"), remote.env)
    yield reader
    reader.close()
