"""What thin files import (``create --runtime=package``): their flow, with what its ops call."""

from collections.abc import Callable, Mapping
from typing import Any

from dagster import AssetSpec, JobDefinition, Out
from dagster import job as dagster_job

from ..contract import tags
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

__all__ = ["FileFlow", "flow_of"]


class FileFlow(_Flow):
    """The flow of a thin file.

    The functions that other files have embedded, and give their flow to, are its methods.
    """

    # What ops do.
    run_init = _run_init
    run_task = _run_task
    run_loop = _run_loop
    run_step = _run_step
    hand_on = _hand_on
    split_outputs = _split_outputs
    splits = _splits
    chosen = _chosen
    gang = _gang
    publish_finished = _publish_finished
    record_artifact = _record_artifact
    record_check = _record_check
    record_success = _record_success
    check_partition = _check_partition
    call_missed_exit_hooks = _call_missed_exit_hooks
    fan_out = staticmethod(_fan_out)
    join_items = staticmethod(_join_items)
    merge_items = staticmethod(_merge_items)

    # What is defined.
    code_reference = _code_reference
    deployment = _deployment
    executor = _executor
    multiprocess_executor = _multiprocess_executor
    with_exit_hooks = _with_exit_hooks
    partitioned = _partitioned
    check_by_runs = _check_by_runs
    event_asset = staticmethod(_event_asset)
    watched = staticmethod(_watched)

    # What starts runs.
    scheduled = _scheduled
    scheduled_time = staticmethod(_scheduled_time)
    on_events = _on_events
    on_finish = _on_finish
    missed_exit_hooks = _missed_exit_hooks

    def job(self, **settings: Any) -> Callable[[Callable[..., Any]], JobDefinition]:
        """Dagster's decorator for jobs, with what is the same in every job of a flow.

        Args:
            settings: Those of `dagster.job`. The flow's tag is added to `tags`; `executor_def` is
                the flow's own where it is not given.
        """
        given: dict[str, Any] = {"executor_def": _executor(self), **settings}
        given["tags"] = {tags.FLOW: self.flow_name, **given.get("tags", {})}
        return dagster_job(resource_defs={"io_manager": _TaskPaths(self)}, **given)

    @staticmethod
    def choices(*steps: str) -> dict[str, Out]:
        """The outputs of a switch step's op: one for each step, of which it takes one."""
        return {step: Out(str, is_required=False) for step in steps}

    @staticmethod
    def asset(key: str | list[str], job: JobDefinition, **settings: Any) -> AssetSpec:
        """The asset of the flow, with its job's description and link to the source.

        Args:
            key: Of the asset.
            job: The flow's job.
            settings: Others of `dagster.AssetSpec`.
        """
        source = "dagster/code_references"
        given: dict[str, Any] = {"kinds": {"metaflow"}, **settings}
        return AssetSpec(
            key,
            description=job.description,
            metadata={source: job.metadata[source]},
            **given,
        )


def flow_of(constants: Mapping[str, Any], works_with: str) -> FileFlow:
    """The flow of a thin file.

    Args:
        constants: The global variables of the file.
        works_with: Versions of this package, as the file names them.

    Raises:
        ImportError: this version is none of them.
    """
    check_compatible(works_with)
    flow = FileFlow.of(constants)
    assert isinstance(flow, FileFlow)
    return flow


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
