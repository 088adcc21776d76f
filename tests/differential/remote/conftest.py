"""A reader of what is in S3 and in the metadata service."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from support.remote import Remote

from .. import runs


@pytest.fixture(scope="session")
def reader(remote: Remote, tmp_path_factory: pytest.TempPathFactory) -> Iterator[runs.Reader]:
    reader = runs.Reader(tmp_path_factory.mktemp("reader"), remote.env)
    yield reader
    reader.close()
