"""Deployed flows, loaded as Dagster loads them, and an instance to evaluate their sensors on."""

from __future__ import annotations

import importlib.util
import json
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from dagster import (
    DagsterEvent,
    DagsterEventType,
    DagsterInstance,
    DagsterRun,
    DagsterRunStatus,
    RunRequest,
    SensorDefinition,
    build_sensor_context,
)
from support.project import Project

ENDS = {
    DagsterRunStatus.SUCCESS: DagsterEventType.RUN_SUCCESS,
    DagsterRunStatus.FAILURE: DagsterEventType.RUN_FAILURE,
    DagsterRunStatus.CANCELED: DagsterEventType.RUN_CANCELED,
}


def load(path: Path) -> Any:
    """Load a generated file under a name of its own."""
    spec = importlib.util.spec_from_file_location(f"defs_{uuid.uuid4().hex}", path)
    assert spec is not None
    assert spec.loader is not None
    module: Any = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    module._SETTLE = 0.0  # the storages of these tests show records in order
    return module


@pytest.fixture(scope="session")
def deploy(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Project]:
    """Compile a flow, once a session for the same source and options."""
    projects: dict[tuple[str, ...], Project] = {}

    def compiled(source: str, *options: str) -> Project:
        key = (source, *options)
        if key not in projects:
            projects[key] = Project(tmp_path_factory.mktemp("project"))
            projects[key].deploy(source, *options)
        return projects[key]

    return compiled


@pytest.fixture
def instance() -> Iterator[DagsterInstance]:
    with DagsterInstance.ephemeral() as instance:
        yield instance


class Sensor:
    """A sensor that is ticked as the daemon does it: the cursor goes from tick to tick."""

    def __init__(self, definition: SensorDefinition, instance: DagsterInstance) -> None:
        self.definition, self.instance = definition, instance
        self.cursor: str | None = None
        self.skipped: str | None = None

    def tick(self) -> list[RunRequest]:
        context = build_sensor_context(
            self.instance, cursor=self.cursor, sensor_name=self.definition.name
        )
        result = self.definition.evaluate_tick(context)
        self.cursor, self.skipped = result.cursor, result.skip_message
        return list(result.run_requests or [])


@pytest.fixture
def sensor(instance: DagsterInstance) -> Callable[[ModuleType, str], Sensor]:
    """A sensor of a loaded file that has had its first tick."""

    def ready(module: ModuleType, name: str) -> Sensor:
        sensor = Sensor(getattr(module, name), instance)
        assert sensor.tick() == []
        return sensor

    return ready


@pytest.fixture
def end_run(instance: DagsterInstance) -> Callable[..., DagsterRun]:
    """Record a run that came to an end."""

    def record(
        flow: str,
        status: DagsterRunStatus = DagsterRunStatus.SUCCESS,
        job: str | None = None,
        hidden: str = ".dagster/metaflow_",
        **options: Any,
    ) -> DagsterRun:
        tags = {f"{hidden}flow": flow, **options.pop("tags", {})}
        run = DagsterRun(
            job_name=job or flow,
            run_id=str(uuid.uuid4()),
            tags=tags,
            status=DagsterRunStatus.STARTED,
            **options,
        )
        instance.add_run(run)
        event = DagsterEvent(ENDS[status].value, job_name=run.job_name)
        instance.report_dagster_event(event, run.run_id)
        ended = instance.get_run_by_id(run.run_id)
        assert ended is not None
        return ended

    return record


def triggered_by(request: RunRequest) -> list[dict[str, Any]]:
    """What a run request tells its steps, which Dagster's UI does not show."""
    return json.loads(request.tags[".dagster/metaflow_triggered_by"])
