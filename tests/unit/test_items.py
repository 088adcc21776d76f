"""What tasks are for is kept for those after them, within bounds."""

from types import SimpleNamespace
from typing import Any

import pytest

from metaflow_extensions.dagster.driver import items

FLOW: Any = SimpleNamespace(flow_name="Flow")


def _task(path: str, frames: list[str], values: list[str]) -> Any:
    return SimpleNamespace(path=path, frames=frames, items=values)


@pytest.fixture
def read(monkeypatch):
    """Paths that were read from the datastore; at most three tasks are kept."""
    paths = []

    def read_one(flow, path):
        paths.append(path)
        return ["red"], []

    monkeypatch.setattr(items, "_read", read_one)
    monkeypatch.setattr(items, "_KEPT", 3)
    monkeypatch.setattr(items, "_known", type(items._known)())
    return paths


def test_what_is_still_asked_for_is_kept(read):
    items.remember(FLOW, _task("run/start/start", [], ["red", "blue"]))
    for index in range(9):
        label = items.item_ahead(
            FLOW, f"run/body/body-{index % 2}", "run/start/start", str(index % 2)
        )
        assert label == ["red", "blue"][index % 2]
        items.remember(FLOW, _task(f"run/body/body-{index}", ["red"], []))
    assert read == []
    assert len(items._known) == 3


def test_what_was_not_kept_is_read_again(read):
    for index in range(4):
        items.remember(FLOW, _task(f"run/body/body-{index}", ["red"], []))
    for index in (3, 0, 0):
        assert items.item_ahead(FLOW, f"run/after/after-{index}", f"run/body/body-{index}", None)
    assert read == ["run/body/body-0"]
