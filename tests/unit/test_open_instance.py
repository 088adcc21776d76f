"""Opening the instance of a folder."""

from __future__ import annotations

import pytest
from alembic.script import ScriptDirectory
from dagster import DagsterInstance

from metaflow_extensions.dagster.targets.open_instance import open_instance


@pytest.fixture
def read(monkeypatch):
    """The folders whose migrations have been read."""
    found = []
    load = ScriptDirectory._load_revisions

    def noted(scripts):
        found.append(scripts.dir)
        return load(scripts)

    monkeypatch.setattr(ScriptDirectory, "_load_revisions", noted)
    return found


def versions(instance):
    """The migration of each database, and the newest one."""
    return [
        storage.alembic_version() for storage in (instance.run_storage, instance.schedule_storage)
    ]


def test_an_instance_that_is_there_opens_without_a_look_at_migrations(tmp_path, read):
    home = str(tmp_path / "home")
    with open_instance(home, embedded=True) as instance:
        made = versions(instance)
    assert read
    read.clear()
    with open_instance(home, embedded=True) as instance:
        assert not read
        assert versions(instance) == made  # whoever asks for the newest one is told
    with DagsterInstance.from_config(home) as instance:
        assert versions(instance) == made
    assert "head" not in str(made)
