"""What the steps of a run know about what started it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from dagster import AssetKey, AssetMaterialization, DagsterInstance
from events.flows import LAST, TOLD


@pytest.fixture(scope="module")
def project(deploy):
    """A deployed flow, after one run that nobody triggered."""
    deployed = deploy(TOLD, "--emit-events")
    deployed.execute("ToldFlow")
    return deployed


def execute(project, tags: dict[str, str]) -> None:
    command = project._execute("ToldFlow")
    project.run(*command, "--tags", json.dumps(tags))


def ask(project, expression: str) -> Any:
    return project.query(expression)


@pytest.fixture(scope="module")
def triggered(project) -> tuple[str, list[dict[str, Any]]]:
    """After a second run that events started: the task that is one of them, and all of them."""
    upstream = ask(project, f"Flow('ToldFlow').latest_run['{LAST}'].task.pathspec")
    with DagsterInstance.from_config(project.env["DAGSTER_HOME"]) as instance:
        key = AssetKey(["metaflow", "events", "large"])
        instance.report_runless_asset_event(
            AssetMaterialization(key, metadata={"blob": "x" * 300_000})
        )
        log_id = instance.fetch_materializations(key, limit=1).records[0].storage_id
    small = {"name": "data.ready", "id": "e1", "type": "event", "timestamp": 1700000000}
    large = {"name": "large", "id": "e2", "type": "event", "timestamp": 1700000002}
    run = {"name": "metaflow.ToldFlow.end", "id": upstream, "type": "run", "timestamp": 1600000000}
    events = [{**small, "payload": {"n": 1}}, {**large, "log_id": log_id}, run]
    tags = {
        ".dagster/metaflow_triggered_by": json.dumps(events),
        "metaflow/triggered_by": "data.ready, large, ToldFlow/run",
        "metaflow/scheduled_time": "2026-01-05T09:30:00+05:30",
    }
    execute(project, tags)
    return upstream, [small, large, run]


def test_a_run_that_nobody_triggered(project):
    task = "Flow('ToldFlow').latest_run['start'].task"
    answer = ask(
        project, f"[{task}['told'].data, [m.name for m in {task}.metadata], {task}.pathspec]"
    )
    assert answer[0] is None
    assert "execution-triggers" not in answer[1]
    assert "dagster-scheduled-time" not in answer[1]


def test_a_triggered_run(project, triggered):
    upstream, events = triggered
    task = "Flow('ToldFlow').latest_run['start'].task"
    told, metadata, loop, joined = ask(
        project,
        f"[{task}['told'].data, {task}.metadata_dict,"
        " [t.metadata_dict for t in Flow('ToldFlow').latest_run['loop']],"
        " Flow('ToldFlow').latest_run['join'].task['told'].data]",
    )
    assert told["event"] == ["large", "e2", "event"]
    assert told["events"] == ["large", "data.ready", "metaflow.ToldFlow.end"]
    assert told["payloads"] == [{"blob": "x" * 300_000}, {"n": 1}, {}]
    assert told["run"] == "/".join(upstream.split("/")[:2])
    assert told["runs"] == [told["run"]]
    assert joined == 3
    assert json.loads(metadata["execution-triggers"]) == events
    assert metadata["dagster-scheduled-time"] == "2026-01-05T09:30:00+05:30"
    assert [("execution-triggers" in task) for task in loop] == [False, False]
    assert {task["dagster-scheduled-time"] for task in loop} == {"2026-01-05T09:30:00+05:30"}


def test_steps_publish(project, triggered):
    """Lifecycle events of every step, and one of the flow's own."""
    with DagsterInstance.from_config(project.env["DAGSTER_HOME"]) as instance:
        published = {
            ".".join(key.path[2:]): len(instance.fetch_materializations(key, limit=100).records)
            for key in instance.get_asset_keys(prefix=["metaflow", "events"])
            if key.path[2] != "large"
        }
        (last,) = instance.fetch_materializations(
            AssetKey(["metaflow", "events", "metaflow.ToldFlow.end"]), limit=1
        ).records
        assert last.asset_materialization is not None
        payload = {n: v.value for n, v in last.asset_materialization.metadata.items()}
    assert published == {
        "metaflow.ToldFlow.start": 2,
        "metaflow.ToldFlow.loop": 4,
        "metaflow.ToldFlow.join": 2,
        f"metaflow.ToldFlow.{LAST}": 2,
        "metaflow.ToldFlow.end": 2,
        "told.done": 2,
    }
    task = ask(project, f"Flow('ToldFlow').latest_run['{LAST}'].task.pathspec")
    assert payload["pathspec"] == payload["id"] == task
    _, run_id, step_name, task_id = task.split("/")
    assert payload["flow_name"] == "ToldFlow"
    assert (payload["run_id"], payload["step_name"]) == (run_id, step_name)
    assert payload["task_id"] == task_id
    assert payload["auto-generated-by-metaflow"] is True
