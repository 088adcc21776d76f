"""Which Dagster runs go to: a live deployment, else DAGSTER_HOME, else the embedded instance."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .._metaflow_internals.untyped import setting
from ..contract import variables
from .base import Target
from .home import embedded_home
from .instance import LocalTarget
from .webserver import LiveTarget

if TYPE_CHECKING:
    from .._metaflow_internals.types import FlowDatastore


def target_at(address: Mapping[str, Any]) -> Target:
    """The target of a run that has been started, by what its ``address()`` gave."""
    if "url" in address:
        return LiveTarget(address["url"])
    return LocalTarget(address["home"], embedded=address["embedded"])


def choose_target(url: str | None, flow_datastore: FlowDatastore | None = None) -> Target:
    """The target that is configured.

    Args:
        url: The webserver of a live deployment; None takes Metaflow's setting DAGSTER_URL (the
            variable METAFLOW_DAGSTER_URL, or its configuration file).
        flow_datastore: The flow's datastore, next to which the embedded instance is.
    """
    configured = url or setting(variables.URL_SETTING)
    if configured:
        return LiveTarget(configured)
    home = os.environ.get("DAGSTER_HOME")
    if home:
        return LocalTarget(os.path.expanduser(home), embedded=False)
    return LocalTarget(embedded_home(flow_datastore), embedded=True)
