"""The whole plan of one generated file."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from .assets import AssetsPlan
from .engine import EnginePlan
from .exit_hooks import ExitHookPlan
from .model import JobGraph, OpPlan
from .parameters import ParameterPlan
from .partitions import PartitionsPlan
from .schedule import SchedulePlan
from .triggers import EventTriggerPlan, FinishTriggerPlan


@dataclass(frozen=True)
class PackagePlan:
    """The code package, as it lies in the datastore."""

    url: str
    sha: str
    """SHA-1 of its bytes, by which the datastore finds it."""
    metadata: str
    """Its format, as Metaflow describes it."""
    suffixes: tuple[str, ...]
    """Endings of files in the flow's folder that all belong to it."""
    source_digest: str
    """SHA-1 of the list of the flow's files in it, which the datastore has too."""


@dataclass(frozen=True)
class JobPlan:
    """Everything that a generated file says. Values are plain data."""

    flow_name: str
    job_name: str
    flow_file: str
    """Absolute path of the flow's source."""
    working_dir: str
    regenerate: str
    """The command that makes this file again."""
    description: str
    top_args: tuple[str, ...]
    step_env: dict[str, str]
    config_values: dict[str, Any]
    decorator_specs: dict[str, list[str]]
    with_decorators: dict[str, list[str]]
    environment_ids: dict[str, str | None]
    """Of the environments that steps use."""
    tags: tuple[str, ...]
    namespace: str | None
    workflow_timeout: int | None
    """Seconds."""
    engine: EnginePlan
    job_tags: dict[str, Any]
    """Tags of every run; a value that is a tree stands for its JSON."""
    parameters: tuple[ParameterPlan, ...]
    ops: tuple[OpPlan, ...]
    graph: JobGraph
    schedule: SchedulePlan | None
    triggers: tuple[EventTriggerPlan | FinishTriggerPlan, ...]
    assets: AssetsPlan
    partitions: PartitionsPlan | None = None
    scheduled_time: str | None = None
    """The parameter that the schedule sets to the time of its tick."""
    exit_hooks: ExitHookPlan | None = None
    schedule_on: bool = True
    """Whether the schedule runs as soon as the file is loaded."""
    triggers_on: bool = True
    """Whether the sensors of triggers do."""
    sensor_interval: int = 5
    """Seconds between two looks of a trigger's sensor, at least."""
    emit_events: bool = False
    """Whether each step publishes an event when it succeeds."""

    metadata: dict[str, Any] = field(default_factory=dict[str, Any])
    """Of the job, beside where it is from."""

    package: PackagePlan | None = None
    """Where the flow's code is; known once it has been stored."""
    runtime: str = "embedded"
    """Whether the file has what it runs in it, or imports it from the "package"."""
    origin_run_id: str | None = None
    """The Metaflow run that the file resumes."""

    @property
    def schedule_name(self) -> str | None:
        """Name of the schedule, if the job has one."""
        return f"{self.job_name}_schedule" if self.schedule else None

    @property
    def trigger_names(self) -> tuple[str, ...]:
        """Names of the sensors of ``triggers``, numbered for each kind."""
        names: list[str] = []
        for index, trigger in enumerate(self.triggers):
            kind = "on_finish" if trigger.kind == "finish" else "event"
            before = sum(trigger.kind == other.kind for other in self.triggers[:index])
            names.append(f"{self.job_name}_{kind}_{before}")
        return tuple(names)

    @property
    def sensor_names(self) -> tuple[str, ...]:
        """Names of all sensors."""
        hooks = (f"{self.job_name}_exit_hooks_sensor",) if self.exit_hooks else ()
        return self.trigger_names + hooks

    @property
    def is_thin(self) -> bool:
        """Whether the file imports what it runs."""
        return self.runtime == "package"

    @property
    def config_class(self) -> str | None:
        """Name of the Config class, if the flow has parameters."""
        return f"{self.flow_name}Config" if self.parameters else None
