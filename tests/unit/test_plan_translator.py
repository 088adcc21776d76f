"""Translators: what they choose, what wins over them, and what is refused."""

import pytest
from metaflow import FlowSpec, step
from support.metaflow_names import retry, trigger_on_finish

from metaflow_extensions.dagster.errors import DagsterDeployError
from metaflow_extensions.dagster.graph import read_flow
from metaflow_extensions.dagster.plan.options import CreateOptions
from metaflow_extensions.dagster.plan.translator import Translation
from metaflow_extensions.dagster.plan.triggers import plan_triggers


class PlainFlow(FlowSpec):
    """Does nothing."""

    @retry
    @step
    def start(self):
        self.next(self.end)

    @step
    def end(self):
        pass


def translated(flow, translator, **options):
    view = read_flow(flow)
    given = CreateOptions(**options)
    return Translation(
        f"support.translators:{translator}", view, given, "PlainFlow", ("PlainFlow",)
    ).options()


def test_what_a_translator_chooses(load_flow):
    options = translated(load_flow(PlainFlow), "Ours", assets=("end.model", "end.a=b/c"))
    assert options.name == "ml_PlainFlow"
    assert options.run_tags == ("cost=low", "steps=2")
    assert options.step_tags == ("start:retried=yes",)
    assert (options.owners, options.group) == (("team:research",), "research")
    assert options.asset_key == "research/PlainFlow"
    assert options.assets == ("end.model=end/model", "end.a=b/c")


@trigger_on_finish(flow="PlainFlow")
class NextFlow(FlowSpec):
    @step
    def start(self):
        self.next(self.end)

    @step
    def end(self):
        pass


def test_the_lineage_leads_to_what_the_translator_calls_upstream_flows(load_flow):
    flow = load_flow(NextFlow)
    assert translated(flow, "Ours").upstream_assets == ("PlainFlow=research/PlainFlow",)
    wins = translated(flow, "Ours", upstream_assets=("PlainFlow=mine",))
    (trigger,) = plan_triggers(read_flow(flow), wins.upstream_assets)
    assert trigger.asset_keys == [("mine",)]
    assert translated(flow, "Plain").upstream_assets == ()


def test_options_win(load_flow):
    options = translated(
        load_flow(PlainFlow), "Ours", name="mine", owners=("team:a",), group="g", asset_key="k",
        run_tags=("cost=high",),
    )  # fmt: skip
    assert (options.name, options.owners, options.group) == ("mine", ("team:a",), "g")
    assert options.asset_key == "k"
    assert options.run_tags == ("steps=2", "cost=high")


def test_a_plain_translator_changes_nothing(load_flow):
    options = translated(load_flow(PlainFlow), "Plain")
    assert options == CreateOptions(name="PlainFlow")


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("Wrong", r"Wrong\*.get_owners returns 'team:research'"),
        ("Failing", r"Failing\*.get_job_name fails for flow PlainFlow: KeyError"),
        ("Nope", "has no Nope"),
        ("NoTranslator", "is not a subclass of metaflow_dagster.DagsterMetaflowTranslator"),
    ],
)
def test_bad_translators(load_flow, name, problem):
    with pytest.raises(DagsterDeployError, match=problem):
        translated(load_flow(PlainFlow), name)


def test_bad_names(load_flow):
    view = read_flow(load_flow(PlainFlow))
    for named, problem in (("ours", "Write MODULE:CLASS"), ("no_such:X", "cannot be imported")):
        with pytest.raises(DagsterDeployError, match=problem):
            Translation(named, view, CreateOptions(), "PlainFlow", ("PlainFlow",))
