"""What thin files import (``create --runtime=package``): the functions that a file's ops use."""

from collections.abc import Mapping
from typing import Any

from ..version import __version__, check_compatible
from .assets import (
    _check_by_runs,
    _code_reference,
    _deployment,
    _event_asset,
    _record_artifact,
    _record_check,
    _record_success,
    _watched,
)
from .events import _on_events
from .executor import _executor, _multiprocess_executor
from .exit_hooks import _call_missed_exit_hooks, _missed_exit_hooks, _with_exit_hooks
from .fanout import _fan_out, _join_items, _merge_items
from .flow import _Flow
from .io_manager import _TaskPaths
from .loop import _run_loop
from .partitions import _check_partition, _partitioned, _scheduled, _scheduled_time
from .sensors import _on_finish
from .step import _chosen, _gang, _hand_on, _run_step, _split_outputs, _splits
from .step_events import _publish_finished
from .task import _run_init, _run_task

__all__ = [
    "_TaskPaths",
    "_call_missed_exit_hooks",
    "_check_by_runs",
    "_check_partition",
    "_chosen",
    "_code_reference",
    "_deployment",
    "_event_asset",
    "_executor",
    "_fan_out",
    "_gang",
    "_hand_on",
    "_join_items",
    "_merge_items",
    "_missed_exit_hooks",
    "_multiprocess_executor",
    "_on_events",
    "_on_finish",
    "_partitioned",
    "_publish_finished",
    "_record_artifact",
    "_record_check",
    "_record_success",
    "_run_init",
    "_run_loop",
    "_run_step",
    "_run_task",
    "_scheduled",
    "_scheduled_time",
    "_split_outputs",
    "_splits",
    "_watched",
    "_with_exit_hooks",
    "flow_of",
]


def flow_of(constants: Mapping[str, Any], works_with: str) -> _Flow:
    """The flow of a thin file.

    Args:
        constants: The global variables of the file.
        works_with: Versions of this package, as the file names them.

    Raises:
        ImportError: this version is none of them.
    """
    check_compatible(works_with)
    return _Flow.of(constants)


def __getattr__(name: str) -> object:
    """Called for what is not here: a file of another version asks for it.

    Raises:
        ImportError: so for an import, and AttributeError for names that Python itself looks for.
    """
    if name.startswith("__"):
        raise AttributeError(name)
    raise ImportError(
        f"metaflow-dagster {__version__}, which is installed, has no {name}: install a version "
        "that the head of this file names, or create the file again with this one."
    )
