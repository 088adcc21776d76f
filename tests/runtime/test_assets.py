"""A flow, its artifacts and its events as assets: what Dagster's UI and its automation see."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from dagster import (
    AssetKey,
    AutomationCondition,
    DagsterInstance,
    Definitions,
    RunRequest,
    asset,
    asset_sensor,
    build_sensor_context,
    evaluate_automation_conditions,
    job,
    op,
)
from support.graphql import ask
from support.project import Project

TRAIN = '''
from metaflow import FlowSpec, Parameter, project, step

class TrainFlow(FlowSpec):
    """Trains a model."""
    rounds = Parameter("rounds", default=3)

    @step
    def start(self):
        self.model = {"weights": [1, 2]}
        self.is_good = True
        self.is_large = False
        self.next(self.measure)

    @step
    def measure(self):
        if self.rounds > 1000:
            import pandas
        self.accuracy = 0.5 * self.rounds
        self.next(self.end)

    @step
    def end(self):
        pass

if __name__ == "__main__":
    TrainFlow()
'''
REPORT = """
from metaflow import FlowSpec, schedule, step, trigger, trigger_on_finish

@schedule(daily=True)
@trigger(event="orders.arrived")
@trigger_on_finish(flow="TrainFlow")
class ReportFlow(FlowSpec):
    @step
    def start(self):
        self.next(self.end)

    @step
    def end(self):
        pass

if __name__ == "__main__":
    ReportFlow()
"""
OPTIONS = (
    *("--asset=start.model=models/churn", "--asset=measure.accuracy", "--asset=start.absent"),
    *("--asset-check=start.is_good", "--asset-check=start.is_large", "--asset-check=start.model"),
    *("--owner=ada@example.com", "--owner=team:ml", "--group=learning", "--tag=env:prod"),
    "--emit-events",
)
ASSETS = """{ assetNodes {
  assetKey { path } description kinds groupName tags { key value } dependencyKeys { path }
  owners { ... on UserAssetOwner { email } ... on TeamAssetOwner { team } }
  metadataEntries { label ... on CodeReferencesMetadataEntry { codeReferences {
    ... on LocalFileCodeReference { filePath lineNumber } } } }
  assetMaterializations { runId tags { key value }
    metadataEntries { label __typename ... on FloatMetadataEntry { floatValue } } }
  assetChecksOrError { ... on AssetChecks { checks { name executionForLatestMaterialization {
    status evaluation { description } } } } }
} }"""
OTHERS = """{ repositoriesOrError { ... on RepositoryConnection { nodes {
  jobs { name description owners { __typename } metadataEntries { label } tags { key } }
  sensors { name description owners { __typename }
    metadataEntries { label ... on AssetMetadataEntry { assetKey { path } } } }
  schedules { name description owners { __typename }
    metadataEntries { label ... on UrlMetadataEntry { url } } }
} } } }"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Two flows deployed, of which the first has run once."""
    project = Project(tmp_path_factory.mktemp("assets"))
    (project.folder / "report.py").write_text(REPORT)
    create = (sys.executable, "report.py", "--no-pylint", "dagster", "create", "report_defs.py")
    project.env["METAFLOW_UI_URL"] = "https://metaflow.example/"
    project.run(*create, "--owner=team:ml")
    project.deploy(TRAIN, *OPTIONS)
    project.execute("TrainFlow")
    return project


@pytest.fixture(scope="module")
def instance(project: Project) -> Iterator[DagsterInstance]:
    with DagsterInstance.from_config(project.env["DAGSTER_HOME"]) as instance:
        yield instance


@pytest.fixture(scope="module")
def nodes(project: Project, instance: DagsterInstance) -> dict[str, Any]:
    """All assets of both code locations, as the UI asks for them."""
    files = [project.folder / name for name in ("defs.py", "report_defs.py")]
    return {
        "/".join(node["assetKey"]["path"]): node
        for node in ask(instance, files, ASSETS)["assetNodes"]
    }


def entries(node: dict[str, Any]) -> dict[str, Any]:
    (materialization,) = node["assetMaterializations"]
    return {entry["label"]: entry for entry in materialization["metadataEntries"]}


def test_a_flow_is_an_asset(nodes: dict[str, Any], project: Project) -> None:
    flow = nodes["TrainFlow"]
    assert flow["description"] == "Trains a model."
    assert set(flow["kinds"]) == {"metaflow", "pandas"}
    assert flow["owners"] == [{"email": "ada@example.com"}, {"team": "ml"}]
    assert flow["groupName"] == "learning"
    assert {"key": "env", "value": "prod"} in flow["tags"]
    ((reference,),) = [e["codeReferences"] for e in flow["metadataEntries"]]
    assert reference == {"filePath": str(project.folder / "flow.py"), "lineNumber": 4}


def test_a_run_materializes_the_flow_with_what_its_end_leaves(
    nodes: dict[str, Any], instance: DagsterInstance
) -> None:
    found = entries(nodes["TrainFlow"])
    # A number is a point of a plot over runs.
    assert found["accuracy"]["floatValue"] == 1.5
    assert found["is_good"]["__typename"] == "BoolMetadataEntry"
    assert found["duration (s)"]["floatValue"] > 0
    assert {"metaflow run", "model"} <= set(found)
    (run,) = instance.get_run_records()
    assert nodes["TrainFlow"]["assetMaterializations"][0]["runId"] == run.dagster_run.run_id


def test_artifacts_are_assets_where_they_are_named(nodes: dict[str, Any]) -> None:
    model, accuracy = nodes["models/churn"], nodes["TrainFlow/accuracy"]
    assert entries(accuracy)["value"]["floatValue"] == 1.5
    assert "retrieve" in entries(model)
    # The version is the hash of the artifact, so that Dagster sees whether it is another one.
    (version,) = model["assetMaterializations"][0]["tags"]
    assert version["key"] == "dagster/data_version"
    assert len(version["value"]) == 40
    assert {"path": ["models", "churn"]} in nodes["TrainFlow"]["dependencyKeys"]
    assert nodes["TrainFlow/absent"]["assetMaterializations"] == []


def test_boolean_artifacts_decide_checks(nodes: dict[str, Any]) -> None:
    checks = {
        check["name"]: check["executionForLatestMaterialization"]
        for check in nodes["TrainFlow"]["assetChecksOrError"]["checks"]
    }
    assert checks["is_good"] == {"status": "SUCCEEDED", "evaluation": {"description": None}}
    assert checks["is_large"] == {"status": "FAILED", "evaluation": {"description": None}}
    said = "The artifact model is not a boolean, but of type dict."
    assert checks["model"] == {"status": "FAILED", "evaluation": {"description": said}}


def test_lineage_leads_through_flows_and_events(nodes: dict[str, Any]) -> None:
    report = [tuple(key["path"]) for key in nodes["ReportFlow"]["dependencyKeys"]]
    assert set(report) == {("metaflow", "events", "orders.arrived"), ("TrainFlow",)}
    assert nodes["metaflow/events/orders.arrived"]["description"]
    event = nodes["metaflow/events/metaflow.TrainFlow.measure"]
    assert event["dependencyKeys"] == [{"path": ["TrainFlow"]}]
    assert len(event["assetMaterializations"]) == 1


def test_sensors_and_jobs_say_what_they_belong_to(
    project: Project, instance: DagsterInstance
) -> None:
    train, report = (
        ask(instance, [project.folder / name], OTHERS)["repositoriesOrError"]["nodes"][0]
        for name in ("defs.py", "report_defs.py")
    )
    sensors = {
        sensor["name"]: [
            entry["assetKey"]["path"] for entry in sensor["metadataEntries"] if "assetKey" in entry
        ]
        for sensor in report["sensors"]
    }
    assert sensors == {
        "ReportFlow_event_0": [["metaflow", "events", "orders.arrived"]],
        "ReportFlow_on_finish_0": [["TrainFlow"]],
    }
    (job_node,) = [node for node in train["jobs"] if node["name"] == "TrainFlow"]
    assert len(job_node["owners"]) == 2
    (schedule,) = report["schedules"]
    for node in (job_node, *report["jobs"], *report["sensors"], schedule):
        if node["name"].startswith("__"):  # Dagster's own
            continue
        labels = {entry["label"] for entry in node["metadataEntries"]}
        assert labels >= {"source", "code package", "deployed", "deployed by", "metaflow ui"}
        assert node["owners"]
        assert node.get("tags", []) == []  # what only processes read is hidden
    assert {node["name"]: node["description"] for node in (*report["sensors"], schedule)} == {
        "ReportFlow_event_0": "A run of ReportFlow on each event orders.arrived.",
        "ReportFlow_on_finish_0": "A run of ReportFlow after each success of TrainFlow.",
        "ReportFlow_schedule": "A run of ReportFlow at each time of its @schedule.",
    }
    (link,) = [entry for entry in schedule["metadataEntries"] if entry["label"] == "metaflow ui"]
    assert link["url"] == "https://metaflow.example/ReportFlow"


def test_nobody_is_warned_that_owners_are_beta(project: Project) -> None:
    load = "from report_defs import defs; defs.get_repository_def().get_all_jobs()"
    done = project.run(sys.executable, "-W", "always", "-c", load)
    assert "owners" not in done.stderr


@asset(deps=[AssetKey("TrainFlow")], automation_condition=AutomationCondition.eager())
def dashboard() -> None: ...


@op
def look() -> None: ...


@job
def look_at_it() -> None:
    look()


@asset_sensor(asset_key=AssetKey(["models", "churn"]), job=look_at_it)
def on_model(context: Any, event: Any) -> RunRequest:
    return RunRequest(tags={"of": event.run_id})


def test_what_reads_the_asset_graph_follows_the_flow(
    project: Project, instance: DagsterInstance
) -> None:
    """Declarative automation and a sensor, neither of which knows anything of Metaflow."""
    spec = importlib.util.spec_from_file_location("train_defs", project.folder / "defs.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    defs = Definitions.merge(module.defs, Definitions(assets=[dashboard]))

    first = evaluate_automation_conditions(defs, instance)
    again = evaluate_automation_conditions(defs, instance, cursor=first.cursor)
    assert again.total_requested == 0
    started = on_model.evaluate_tick(build_sensor_context(instance))
    assert [request.tags["of"] for request in started.run_requests or []] == [
        instance.get_run_records()[0].dagster_run.run_id
    ]
    project.execute("TrainFlow")
    after = evaluate_automation_conditions(defs, instance, cursor=again.cursor)
    assert after.get_num_requested(dashboard.key) == 1
    moved_on = build_sensor_context(instance, cursor=started.cursor)
    assert len(on_model.evaluate_tick(moved_on).run_requests or []) == 1


def test_a_check_is_not_run_by_itself(project: Project) -> None:
    done = project.run(
        *(sys.executable, "-m", "dagster", "job", "execute", "-f", "defs.py", "-j", "__ASSET_JOB"),
        check=False,
    )
    assert done.returncode != 0
    assert "Each run of flow TrainFlow decides this check" in done.stdout + done.stderr
