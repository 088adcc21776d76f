"""Which versions of the package a thin file works with (``create --runtime=package``)."""

from __future__ import annotations

import pytest

from metaflow_extensions.dagster import version
from metaflow_extensions.dagster.version import check_compatible, compatible


@pytest.mark.parametrize("installed", ["1.4.0", "1.4.0rc1", "1.4.2", "1.10.0"])
def test_a_file_works_with_its_major_version(
    installed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(version, "__version__", "1.4.0rc1")
    wanted = compatible()
    assert wanted == ">=1.4.0rc1,<2"
    monkeypatch.setattr(version, "__version__", installed)
    check_compatible(wanted)


@pytest.mark.parametrize("installed", ["1.3.9", "2.0.0", "0.9.0"])
def test_another_one_is_refused_in_one_line(
    installed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(version, "__version__", installed)
    with pytest.raises(ImportError) as refused:
        check_compatible(">=1.4.0,<2")
    message = str(refused.value)
    assert "\n" not in message
    assert "works with metaflow-dagster >=1.4.0,<2" in message
    assert f"{installed} is installed" in message


def test_what_is_not_there_is_named() -> None:
    with pytest.raises(ImportError, match="has no _run_magic: install a version"):
        from metaflow_extensions.dagster.runtime.api import (
            _run_magic,  # noqa: F401  # pyright: ignore[reportAttributeAccessIssue]
        )
