"""Assets and checks of real flows, planned."""

import pytest
from metaflow import FlowSpec, Parameter, step
from support.metaflow_names import project, trigger, trigger_on_finish

from metaflow_extensions.dagster.errors import DagsterDeployError
from metaflow_extensions.dagster.graph import read_flow
from metaflow_extensions.dagster.plan.assets import ArtifactAssetPlan, CheckPlan, plan_assets
from metaflow_extensions.dagster.plan.options import CreateOptions
from metaflow_extensions.dagster.plan.triggers import plan_triggers


class PlainFlow(FlowSpec):
    rounds = Parameter("rounds", default=3)

    @step
    def start(self):
        self.items = [1, 2]
        self.next(self.train, foreach="items")

    @step
    def train(self):
        self.next(self.join)

    @step
    def join(self, inputs):
        self.next(self.end)

    @step
    def end(self):
        pass


@project(name="shop")
@trigger(events=["orders.arrived", "metaflow.OtherFlow.end"])
@trigger_on_finish(flow="PricesFlow")
class ProjectFlow(FlowSpec):
    @step
    def start(self):
        self.next(self.end)

    @step
    def end(self):
        pass


@trigger_on_finish(
    flows=["TrainFlow", {"name": "PricesFlow", "project": "shop", "project_branch": "prod"}]
)
class LastFlow(FlowSpec):
    @step
    def start(self):
        self.next(self.end)

    @step
    def end(self):
        pass


@trigger(events=["orders.arrived", "metaflow.WaitingFlow.end"])
class WaitingFlow(FlowSpec):
    @step
    def start(self):
        self.next(self.end)

    @step
    def end(self):
        pass


def plan(flow, **options):
    view = read_flow(flow)
    return plan_assets(
        view, CreateOptions(**options), plan_triggers(view, options.get("upstream_assets", ()))
    )


def test_keys_are_made_of_project_branch_and_flow(load_flow):
    assert plan(load_flow(PlainFlow)).key == ("PlainFlow",)
    planned = plan(load_flow(ProjectFlow, branch="blue"))
    assert planned.key == ("shop", "test.blue", "ProjectFlow")
    assert planned.upstream == (
        ("metaflow", "events", "orders.arrived"),
        ("metaflow", "events", "metaflow.OtherFlow.end"),
        ("shop", "test.blue", "PricesFlow"),
    )
    # Another flow's own event is defined where that flow is.
    assert planned.awaited_events == ("orders.arrived",)


def test_what_a_flow_uses_are_kinds(load_flow):
    assert plan(load_flow(PlainFlow)).kinds == ("metaflow",)
    assert plan(load_flow(PlainFlow)).line == PlainFlow.start.__code__.co_firstlineno - 3


def test_options_name_artifacts_checks_and_keys(load_flow):
    planned = plan(
        load_flow(PlainFlow),
        asset_key="ml/plain",
        assets=("join.model", "end.report=reports/daily"),
        asset_checks=("join.ok",),
        tags=("env:prod", "free text", "plain"),
        emit_events=True,
        publishes=("rows.ready",),
    )
    assert planned.key == ("ml", "plain")
    assert planned.artifacts == (
        ArtifactAssetPlan("join", "model", ("ml", "plain", "model")),
        ArtifactAssetPlan("end", "report", ("reports", "daily")),
    )
    assert planned.checks == (CheckPlan("join", "ok"),)
    assert planned.tags == (("env", "prod"), ("plain", ""))
    assert planned.published_events == (
        *(f"metaflow.PlainFlow.{name}" for name in ("start", "train", "join", "end")),
        "rows.ready",
    )


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"asset_key": "a//b"}, "--asset-key: a//b is not a key of an asset"),
        ({"asset_key": 'a"b'}, "is not a key of an asset"),
        ({"group": "my group"}, "--group my group is not a name of an asset group"),
        ({"owners": ("ada",)}, "--owner ada: Dagster takes an email address, or team:NAME"),
        ({"owners": ("team:",)}, "--owner team:"),
        ({"assets": ("model",)}, "--asset model: name a step and an artifact"),
        ({"assets": ("fit.model",)}, "the flow has no step fit. Its steps: start, train"),
        ({"assets": ("train.model",)}, "step train runs once for each item of a foreach"),
        ({"assets": ("join.rounds",)}, "rounds is a parameter or private"),
        ({"assets": ("join.model=",)}, "--asset:  is not a key of an asset"),
        ({"assets": ("join.m=PlainFlow",)}, "would have the key PlainFlow"),
        ({"assets": ("join.m", "end.m")}, "would have the key PlainFlow/m"),
        ({"asset_checks": ("join.ok", "end.ok")}, "several artifacts that are called ok"),
        ({"asset_checks": ("nowhere.ok",)}, "--asset-check nowhere.ok: the flow has no step"),
    ],
)
def test_bad_options_are_refused(load_flow, options, text):
    with pytest.raises(DagsterDeployError) as error:
        plan(load_flow(PlainFlow), **options)
    assert text in error.value.message


def test_keys_of_upstream_flows(load_flow):
    flow = load_flow(LastFlow)
    assert plan(flow).upstream == (("TrainFlow",), ("shop", "prod", "PricesFlow"))
    chosen = ("TrainFlow=ml/churn", "shop.prod.PricesFlow=prices")
    assert plan(flow, upstream_assets=chosen).upstream == (("ml", "churn"), ("prices",))
    with pytest.raises(DagsterDeployError) as error:
        plan(flow, upstream_assets=("TrainFlow", "Nope=a", "TrainFlow=a//b"))
    for text in (
        "--upstream-asset TrainFlow: write FLOW=KEY",
        "--upstream-asset Nope=a: write FLOW=KEY, such as TrainFlow=ml/churn, with a flow of "
        "@trigger_on_finish. Its flows: TrainFlow, shop.prod.PricesFlow",
        "--upstream-asset: a//b is not a key of an asset",
    ):
        assert text in error.value.message.replace("*", "")


def test_an_event_of_no_valid_name_is_refused(load_flow):
    with pytest.raises(DagsterDeployError) as error:
        plan(load_flow(PlainFlow), publishes=("a b",))
    assert "a b of --publishes is not a valid event name" in error.value.message.replace("*", "")


def test_a_flow_that_starts_itself_is_not_upstream_of_itself(load_flow):
    planned = plan(load_flow(WaitingFlow), publishes=("orders.arrived",), emit_events=True)
    assert planned.upstream == ()
    assert planned.awaited_events == ()
    assert planned.published_events == (
        "metaflow.WaitingFlow.start",
        "metaflow.WaitingFlow.end",
        "orders.arrived",
    )


def test_all_that_is_wrong_is_told_at_once(load_flow):
    with pytest.raises(DagsterDeployError) as error:
        plan(load_flow(PlainFlow), owners=("ada",), group="-", assets=("x",))
    assert "There are 3 problems" in error.value.message
