"""Metaflow flows in Dagster: what code of yours may import from metaflow-dagster.

Names are imported when they are first used, so that a flow which publishes an event does not load
Dagster. In flows, ``from metaflow import DagsterEvent`` works too, also where a task has only the
code package and not this package.
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from metaflow_extensions.dagster.deployer.dagster_deployer import DagsterDeployer
    from metaflow_extensions.dagster.deployer.dagster_deployer_objects import (
        DagsterDeployedFlow,
        DagsterTriggeredRun,
    )
    from metaflow_extensions.dagster.errors import DagsterDeployError, DagsterRunError
    from metaflow_extensions.dagster.events import DagsterEvent, DagsterEventException
    from metaflow_extensions.dagster.executor import metaflow_executor
    from metaflow_extensions.dagster.executor.dask import dask_executor
    from metaflow_extensions.dagster.plan.translator import DagsterMetaflowTranslator, FlowInfo
    from metaflow_extensions.dagster.version import __version__

    from .component import MetaflowFlowsComponent
    from .deployer import dagster_deployer
    from .loader import load_flows
    from .options import FlowOptions

__all__ = [
    "DagsterDeployError",
    "DagsterDeployedFlow",
    "DagsterDeployer",
    "DagsterEvent",
    "DagsterEventException",
    "DagsterMetaflowTranslator",
    "DagsterRunError",
    "DagsterTriggeredRun",
    "FlowInfo",
    "FlowOptions",
    "MetaflowFlowsComponent",
    "__version__",
    "dagster_deployer",
    "dask_executor",
    "load_flows",
    "metaflow_executor",
]

_OURS = "metaflow_extensions.dagster"
_MODULES = {
    "DagsterDeployError": f"{_OURS}.errors",
    "DagsterDeployedFlow": f"{_OURS}.deployer.dagster_deployer_objects",
    "DagsterDeployer": f"{_OURS}.deployer.dagster_deployer",
    "DagsterEvent": f"{_OURS}.events",
    "DagsterEventException": f"{_OURS}.events",
    "DagsterMetaflowTranslator": f"{_OURS}.plan.translator",
    "DagsterRunError": f"{_OURS}.errors",
    "DagsterTriggeredRun": f"{_OURS}.deployer.dagster_deployer_objects",
    "FlowInfo": f"{_OURS}.plan.translator",
    "FlowOptions": f"{__name__}.options",
    "MetaflowFlowsComponent": f"{__name__}.component",
    "__version__": f"{_OURS}.version",
    "dagster_deployer": f"{__name__}.deployer",
    "dask_executor": f"{_OURS}.executor.dask",
    "load_flows": f"{__name__}.loader",
    "metaflow_executor": f"{_OURS}.executor",
}


def __getattr__(name: str) -> Any:
    value: Any
    if name in _MODULES:
        if "executor" not in name and name != "__version__":
            # Metaflow loads its extensions, and ours cannot be loaded before it.
            import_module("metaflow")
        value = getattr(import_module(_MODULES[name]), name)
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    # Dagster's `dg` gets every name that it finds here, and not everybody has Dask.
    missing = set[str]() if find_spec("distributed") else {"dask_executor"}
    return sorted({*globals(), *__all__} - missing)
