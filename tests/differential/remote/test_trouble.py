"""A datastore that fails for a while delays a run, and leaves nothing wrong in it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from support.remote import Remote

from .. import compare, runs
from ..cases import Case

CASE = Case("engines", {"size": 2})


@pytest.mark.slow
def test_trouble(
    remote: Remote,
    troubled: Remote,
    reader: runs.Reader,
    troubled_reader: runs.Reader,
    launcher: runs.Launcher,
    dagster_home: Path,
    native_cache: Path,
    tmp_path: Path,
) -> None:
    undisturbed = replace(CASE, env=remote.env, metadata=remote.metadata)
    native = runs.run_native_once(undisturbed, tmp_path / "native", reader, native_cache)
    case = replace(CASE, env=troubled.env, metadata=troubled.metadata)
    made, facts, output = runs.run_dagster(
        case, tmp_path / "dagster", troubled_reader, launcher, dagster_home, "moved"
    )
    assert made is not None, output[-5000:]
    assert compare.differences(native, made) + compare.mismatches(False, made, facts) == []
