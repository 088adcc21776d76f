"""What ``dagster create`` can be asked for: one object from the command line to the registry."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, TypeVar

T = TypeVar("T", bound="CreateOptions")


@dataclass(frozen=True)
class CreateOptions:
    """The options that decide what a definitions file says, as they were typed.

    Each field is named after its option of ``dagster create`` (``cli/create_command.py``), has its
    default, and is kept in the registry, so that a resume compiles the flow as it was deployed.
    What concerns one call only (where to write, whose token) is not here.
    """

    name: str | None = None
    """The Dagster job; None is the flow's own name."""
    tags: tuple[str, ...] = ()
    decospecs: tuple[str, ...] = ()
    namespace: str | None = None
    workflow_timeout: int | None = None
    """Seconds."""
    max_workers: int | None = None
    executor: str = "auto"
    executor_config: str | None = None
    """JSON, or the path of a YAML or JSON file."""
    image: str | None = None
    pools: tuple[str, ...] = ()
    step_tags: tuple[str, ...] = ()
    run_tags: tuple[str, ...] = ()
    schedule_on: bool = True
    triggers_on: bool = True
    sensor_interval: int = 5
    """Seconds."""
    emit_events: bool = False
    publishes: tuple[str, ...] = ()
    """Names of events that the flow's code publishes."""
    partition: str | None = None
    """``PARAMETER=SPEC``."""
    scheduled_time: str | None = None
    """A parameter."""
    asset_key: str | None = None
    """``a/b/c``; None makes it of project, branch and flow."""
    upstream_assets: tuple[str, ...] = ()
    """``FLOW=KEY``."""
    group: str | None = None
    owners: tuple[str, ...] = ()
    assets: tuple[str, ...] = ()
    """``STEP.ARTIFACT`` or ``STEP.ARTIFACT=KEY``."""
    asset_checks: tuple[str, ...] = ()
    """``STEP.ARTIFACT``."""
    translator: str | None = None
    """``MODULE:CLASS``; see ``translator.py``."""
    warm_start: bool = True
    runtime: str = "embedded"
    """Or "package": a thin file, which imports what it runs from this package."""

    @classmethod
    def from_values(cls: type[T], values: Mapping[str, Any]) -> T:
        """The options among the values of a command, or of a record in the registry.

        A record may have been written by another version: what it does not have stays at its
        default, and what is not known here is left out. JSON has lists for tuples.
        """
        known: dict[str, Any] = {}
        for field in fields(cls):
            if field.name in values:
                value = values[field.name]
                known[field.name] = tuple(value) if isinstance(value, list) else value
        return cls(**known)
