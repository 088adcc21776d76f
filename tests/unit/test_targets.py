"""What a target says of a run."""

from __future__ import annotations

from pathlib import Path

import pytest

from metaflow_extensions.dagster.contract import tags
from metaflow_extensions.dagster.errors import DagsterRunError
from metaflow_extensions.dagster.targets.headers import request_headers
from metaflow_extensions.dagster.targets.instance import LocalTarget
from metaflow_extensions.dagster.targets.runs import RunInfo


@pytest.mark.parametrize("tag", [tags.DEFINITIONS_FILE, "metaflow/definitions_file"])
def test_the_command_that_shows_a_run_names_its_file(tmp_path: Path, tag: str) -> None:
    """The second tag is that of runs which earlier versions have started."""
    target = LocalTarget(str(tmp_path), embedded=True)
    run = RunInfo("1-2", "dagster-1", "Job", "Pending", None, None, {tag: "/flows/my defs.py"})
    command = f"DAGSTER_HOME={tmp_path} dagster dev -f '/flows/my defs.py'  #"
    assert target.how_to_open(run).startswith(command)


@pytest.mark.parametrize("value", ["X-Key: hush", '["hush"]', '{"X-Key": {"hush": 1}}'])
def test_headers_that_are_none_are_refused_without_showing_them(
    monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("METAFLOW_DAGSTER_HEADERS", value)
    with pytest.raises(DagsterRunError, match="not a JSON object of texts") as refused:
        request_headers()
    assert "hush" not in refused.value.message
    assert refused.value.__context__ is None  # nor does the error before it
