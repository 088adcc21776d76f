"""Opens the Dagster instance that runs are kept in. Imports Dagster."""

from __future__ import annotations

import os

from dagster import DagsterInstance

from ..errors import DagsterRunError
from ..process_end import end_quickly
from .home import locked, prepare_home


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
