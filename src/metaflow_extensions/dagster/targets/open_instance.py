"""Opens the Dagster instance that runs are kept in. Imports Dagster."""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import contextmanager
from threading import Lock

from alembic.script import ScriptDirectory
from dagster import DagsterInstance

from ..errors import DagsterRunError
from ..process_end import end_quickly
from .home import locked, prepare_home

_patched = Lock()


def open_instance(home: str, *, embedded: bool) -> DagsterInstance:
    """Open the instance of a DAGSTER_HOME; an embedded one is made first where it is missing.

    Several first openings at once would corrupt its databases (two schema histories), so the
    first one is made alone.

    Raises:
        DagsterRunError: the folder or its dagster.yaml is unusable.
    """
    end_quickly()
    if not os.path.isdir(home) and not embedded:
        raise DagsterRunError(
            f"DAGSTER_HOME is {home}, which is not a folder. Create it, or unset DAGSTER_HOME to "
            "use the embedded instance of the project."
        )
    try:
        if embedded:
            prepare_home(home)
        ready = os.path.join(home, ".initialized")
        if os.path.exists(ready):
            with _migrations_unread():
                return DagsterInstance.from_config(home)
        with locked(os.path.join(home, ".lock")):
            instance = DagsterInstance.from_config(home)
            open(ready, "w").close()
            return instance
    except DagsterRunError:
        raise
    except Exception as error:
        raise DagsterRunError(
            f"The Dagster instance in {home} cannot be opened: {str(error).strip()} "
            "Check its dagster.yaml."
        ) from error


@contextmanager
def _migrations_unread() -> Generator[None]:
    """Open storages in SQLite without a look at Dagster's ninety migrations, for each anew.

    They ask for the newest one, and then only whether there is one (`from_local` of the storages in
    dagster/_core/storage/runs/sqlite and schedules/sqlite): a twentieth of a second.
    """
    with _patched:
        find = ScriptDirectory.as_revision_number

        def number(self: ScriptDirectory, id_: str | None) -> str | tuple[str, ...] | None:
            return id_ if id_ == "head" else find(self, id_)

        ScriptDirectory.as_revision_number = number
        try:
            yield
        finally:
            ScriptDirectory.as_revision_number = find
