"""``build_plan``: a pure function from plain data to a plan."""

from __future__ import annotations

from dataclasses import replace

import pytest
from metaflow import FlowSpec, Parameter, step

from metaflow_extensions.dagster.errors import DagsterDeployError, SeveralProblems
from metaflow_extensions.dagster.graph import ProjectView, read_flow
from metaflow_extensions.dagster.plan.build import build_plan
from metaflow_extensions.dagster.plan.engine import EnginePlan
from metaflow_extensions.dagster.plan.options import CreateOptions
from metaflow_extensions.dagster.plan.site import Site

SITE = Site("/flows/planned.py", "/flows", ("--quiet",), {"METAFLOW_DEFAULT_DATASTORE": "local"})


class PlannedFlow(FlowSpec):
    n = Parameter("n", default=3)

    @step
    def start(self):
        self.next(self.end)

    @step
    def end(self):
        pass


@pytest.fixture
def view(load_flow):
    return read_flow(load_flow(PlannedFlow))


def test_what_is_given_decides_alone(view, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = build_plan(view, SITE, CreateOptions(), EnginePlan())
    monkeypatch.setattr("sys.argv", ["elsewhere.py"])
    monkeypatch.setenv("METAFLOW_DEFAULT_DATASTORE", "s3")
    assert build_plan(view, SITE, CreateOptions(), EnginePlan()) == plan
    assert plan.job_name == "PlannedFlow"
    assert plan.flow_file == "/flows/planned.py"
    assert plan.step_env == SITE.settings
    assert [op.step for op in plan.ops] == ["start", "end"]


def test_a_project_names_the_job_and_its_tags(view) -> None:
    own = replace(view, project=ProjectView("shop", "prod", "shop.prod.PlannedFlow"))
    plan = build_plan(own, SITE, CreateOptions(), EnginePlan())
    assert plan.job_name == "shop__prod__PlannedFlow"
    assert plan.job_tags["metaflow/project"] == "shop"
    assert plan.job_tags["metaflow/branch"] == "prod"


def test_all_problems_are_found(view) -> None:
    options = CreateOptions(name="my job", pools=("bog:gpu", "a b"))
    with pytest.raises(SeveralProblems) as found:
        build_plan(view, SITE, options, EnginePlan())
    assert len(found.value.problems) == 3


def test_one_problem_is_told_alone(view) -> None:
    with pytest.raises(DagsterDeployError, match=r"^\*my job\* cannot be"):
        build_plan(view, SITE, CreateOptions(name="my job"), EnginePlan())
