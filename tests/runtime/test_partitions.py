"""Partitions that set a parameter: the Launchpad, a backfill, schedules and assets."""

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Iterator
from datetime import datetime, timezone
from types import ModuleType
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from dagster import AssetKey, DagsterInstance, build_schedule_context
from support.graphql import ask
from support.project import Project

FLOW = """
from metaflow import FlowSpec, Parameter, schedule, step

@schedule(daily=True, timezone="Europe/Zurich")
class DailyFlow(FlowSpec):
    day = Parameter("day", required=True)
    when = Parameter("when", default="")
    size = Parameter("size", type=int, default=1)

    @step
    def start(self):
        self.of = self.day
        self.next(self.end)

    @step
    def end(self):
        pass

if __name__ == "__main__":
    DailyFlow()
"""
LAUNCHPAD = """{ partitionSetsOrError(
  repositorySelector: {repositoryName: "__repository__", repositoryLocationName: "defs.py"},
  pipelineName: "DailyFlow") { ... on PartitionSets { results {
    partitionsOrError(limit: 2) { ... on Partitions { results {
      name runConfigOrError { ... on PartitionRunConfig { yaml } }
    } } } } } }
  assetNodes { assetKey { path } partitionDefinition { type } }
}"""


def load(project: Project, name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, project.folder / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = Project(tmp_path_factory.mktemp("partitions"))
    home = project.folder / "dagster_home" / "dagster.yaml"
    coordinator = {"module": "dagster._core.run_coordinator", "class": "DefaultRunCoordinator"}
    home.write_text(json.dumps({"telemetry": {"enabled": False}, "run_coordinator": coordinator}))
    project.deploy(FLOW, "--partition=day=daily:2026-01-01", "--scheduled-time=when")
    source = FLOW.replace("required=True", 'default="today"').replace("DailyFlow", "SizesFlow")
    (project.folder / "sizes_flow.py").write_text(source)
    create = ("sizes_flow.py", "--no-pylint", "dagster", "create", "sizes.py")
    project.run(sys.executable, *create, "--partition=size=keys:1,20")
    return project


@pytest.fixture(scope="module")
def instance(project: Project) -> Iterator[DagsterInstance]:
    with DagsterInstance.from_config(project.env["DAGSTER_HOME"]) as instance:
        yield instance


def test_the_launchpad_fills_in_the_parameter(project: Project, instance: DagsterInstance) -> None:
    answer = ask(instance, [project.folder / "defs.py"], LAUNCHPAD)
    ((partition, _),) = [
        partition_set["partitionsOrError"]["results"]
        for partition_set in answer["partitionSetsOrError"]["results"]
    ]
    assert partition["name"] == "2026-01-01"
    assert "day: 2026-01-01\n" in partition["runConfigOrError"]["yaml"]
    (node,) = answer["assetNodes"]
    assert node["partitionDefinition"]["type"] == "TIME_WINDOW"


def test_a_backfill_starts_a_run_a_key(
    project: Project, instance: DagsterInstance, eventually: Any
) -> None:
    keys = ["2026-01-02", "2026-01-04"]
    backfill = ("job", "backfill", "-f", "defs.py", "-j", "DailyFlow", "--noprompt")
    project.run(sys.executable, "-m", "dagster", *backfill, "--partitions", ",".join(keys))
    eventually(lambda: all(run.is_finished for run in instance.get_runs()), 120)
    runs = {run.tags["dagster/partition"]: run for run in instance.get_runs()}
    assert sorted(runs) == keys
    for run in runs.values():
        assert run.is_success, [entry.message for entry in instance.all_logs(run.run_id)]
    days = "sorted(run.data.of for run in Flow('DailyFlow') if run.successful)"
    assert project.query(days) == keys
    assert instance.get_materialized_partitions(AssetKey("DailyFlow")) == set(keys)


def test_a_run_of_no_partition_takes_the_parameter_as_ever(project: Project) -> None:
    project.run(sys.executable, "flow.py", "dagster", "trigger", "--day=someday", "--wait")
    assert project.query("Flow('DailyFlow').latest_run.data.of") == "someday"


def test_a_run_of_one_partition_and_the_parameter_of_another_is_refused(project: Project) -> None:
    config = {"ops": {"op_start": {"config": {"day": "2026-01-05"}}}}
    (project.folder / "config.yaml").write_text(json.dumps(config))
    done = project.run(
        *(sys.executable, "-m", "dagster", "job", "execute", "-f", "defs.py", "-j", "DailyFlow"),
        *("--tags", json.dumps({"dagster/partition": "2026-01-06"})),
        *("--config", "config.yaml"),
        check=False,
    )
    assert done.returncode != 0
    said = "The run is of the partition '2026-01-06', and its parameter 'day' is '2026-01-05'."
    assert said in done.stdout + done.stderr


def tick_of(project: Project, name: str, when: datetime) -> Any:
    """What the schedule of a definitions file starts."""
    repository = load(project, name).defs.get_repository_def()
    (schedule,) = repository.schedule_defs
    context = build_schedule_context(scheduled_execution_time=when, repository_def=repository)
    return schedule.evaluate_tick(context)


def test_a_schedule_fills_in_the_partition_that_has_ended_and_its_time(project: Project) -> None:
    zone = ZoneInfo("Europe/Zurich")
    (request,) = tick_of(project, "defs", datetime(2026, 3, 2, tzinfo=zone)).run_requests
    assert request.partition_key == "2026-03-01"
    assert request.run_config == {
        "ops": {"op_start": {"config": {"day": "2026-03-01", "when": "2026-03-02T00:00:00+01:00"}}}
    }
    assert request.tags["metaflow/scheduled_time"] == "2026-03-02T00:00:00+01:00"
    early = tick_of(project, "defs", datetime(2025, 3, 2, tzinfo=zone))
    assert "No partition has ended" in early.skip_message
    assert not early.run_requests


def test_a_schedule_starts_a_run_for_each_key_of_a_list(project: Project) -> None:
    requests = tick_of(project, "sizes", datetime(2026, 3, 2, tzinfo=timezone.utc)).run_requests
    assert [
        (request.partition_key, request.run_config["ops"]["op_start"]["config"])
        for request in requests
    ] == [("1", {"size": 1}), ("20", {"size": 20})]
