"""Parameters of real flows, planned; names are tried in real Dagster Config classes."""

import json
import keyword
from collections import Counter
from typing import Any

import dagster
import metaflow
import pytest
from metaflow import Config, FlowSpec, JSONType, config_expr, step
from metaflow._vendor import click
from metaflow.exception import MetaflowException

from metaflow_extensions.dagster.errors import DagsterDeployError
from metaflow_extensions.dagster.graph import read_flow
from metaflow_extensions.dagster.plan.parameters import (
    _RESERVED_FIELDS,
    MISSING,
    plan_parameters,
)

# Tests give them what their annotations leave out.
Parameter: Any = metaflow.Parameter
IncludeFile: Any = metaflow.IncludeFile

calls = Counter()


def counted(name, value):
    def function(context):
        calls[name] += 1
        return value

    return function


def with_parameters(**parameters):
    """A flow class that has these class attributes and one step."""

    class OneStepFlow(FlowSpec):
        @step
        def start(self):
            self.next(self.end)

        @step
        def end(self):
            pass

    for name, parameter in parameters.items():
        setattr(OneStepFlow, name, parameter)
    return OneStepFlow


def plan_one(load_flow, parameter, must_have_defaults=None):
    flow = load_flow(with_parameters(value=parameter))
    (plan,) = plan_parameters(read_flow(flow), must_have_defaults=must_have_defaults)
    return plan


# parameter -> annotation, default, kind
KINDS = {
    "text": (Parameter("p", default="a"), "str", "a", "str"),
    "text without default": (Parameter("p"), "str | None", None, "str"),
    "required text": (Parameter("p", required=True), "str", MISSING, "str"),
    "required is ignored with a default": (
        Parameter("p", required=True, default="a"),
        *("str", "a", "str"),
    ),
    "int by default": (Parameter("p", default=3), "int", 3, "int"),
    "int by type": (Parameter("p", type=int), "int | None", None, "int"),
    "int from text": (Parameter("p", type=int, default="3"), "int", 3, "int"),
    "int beyond 64 bits": (Parameter("p", default=10**30), "int", 10**30, "int"),
    "float": (Parameter("p", default=0.1), "float", 0.1, "float"),
    "float from int": (Parameter("p", type=float, default=1), "float", 1.0, "float"),
    "bool": (Parameter("p", default=False), "bool", False, "bool"),
    "bool from text": (Parameter("p", type=bool, default="yes"), "bool", True, "bool"),
    "bool without default": (Parameter("p", type=bool), "bool | None", None, "bool"),
    "json data": (
        Parameter("p", type=JSONType, default={"a": [1, None]}),
        *("Any", {"a": [1, None]}, "json"),
    ),
    "json text": (
        Parameter("p", type=JSONType, default='{"a": 1}'),
        *("Any", {"a": 1}, "json"),
    ),
    "json text of a text stays as it is": (
        Parameter("p", type=JSONType, default='"hello"'),
        *("Any", '"hello"', "json"),
    ),
    "json null": (Parameter("p", type=JSONType, default="null"), "Any", None, "json"),
    "json without default": (Parameter("p", type=JSONType), "Any", None, "json"),
    "json with int keys is left to Metaflow": (
        Parameter("p", type=JSONType, default={1: "a"}),
        *("Any", None, "json"),
    ),
    "separator": (Parameter("p", default="a,b", separator=","), "str", "a,b", "split:,"),
    "multiple": (
        Parameter("p", type=int, multiple=True, default=["1", 2]),
        *("list[int]", [1, 2], "list[int]!"),
    ),
    "multiple without default": (
        Parameter("p", type=str, multiple=True),
        *("list[str]", [], "list[str]"),
    ),
    "required multiple": (
        Parameter("p", type=str, multiple=True, required=True),
        *("list[str]", MISSING, "list[str]"),
    ),
    "multiple json": (
        Parameter("p", type=JSONType, multiple=True, default=['{"a": 1}']),
        *("list[Any]", [{"a": 1}], "list[json]!"),
    ),
    "several values": (
        Parameter("p", type=float, nargs=2, default=(1, 2)),
        *("list[float]", [1.0, 2.0], "tuple[float]"),
    ),
    "several values, repeated": (
        Parameter("p", type=int, nargs=2, multiple=True, default=[(1, 2)]),
        *("list[list[int]]", [[1, 2]], "list[tuple[int]]!"),
    ),
    "flag": (Parameter("p", is_flag=True, default=False), "bool", False, "flag"),
    "count": (Parameter("p", count=True, default=2), "int", 2, "count"),
    "choice": (
        Parameter("p", type=click.Choice(["a", "b"]), default="a"),
        *("str", "a", "str"),
    ),
    "int range": (
        Parameter("p", type=click.IntRange(0, 9), default="4"),
        *("int", 4, "int"),
    ),
    "list by default": (
        Parameter("p", default=[1, "b"]),
        *("list[Any]", [1, "b"], 'fixed:[1, "b"]'),
    ),
    "dict by default": (
        Parameter("p", default={"a": 1}),
        *("dict[str, Any]", {"a": 1}, 'fixed:{"a": 1}'),
    ),
    "list by type": (Parameter("p", type=list), "str | None", None, "str"),
    "a number as text is left to Metaflow": (
        Parameter("p", type=str, default=5),
        *("str | None", None, "str"),
    ),
    "an object is left to Metaflow": (
        Parameter("p", default=frozenset("a")),
        *("str | None", None, "str"),
    ),
    "a type that is a function of the user's": (
        Parameter("p", type=lambda text: text.upper(), default="a"),
        *("str", "a", "str"),
    ),
    "a file to be named": (IncludeFile("p"), "str | None", None, "file"),
    "a file that must be named": (IncludeFile("p", required=True), "str", MISSING, "file"),
}


@pytest.mark.parametrize("case", KINDS)
def test_kinds(load_flow, case):
    parameter, annotation, default, kind = KINDS[case]
    plan = plan_one(load_flow, parameter)
    assert (plan.annotation, str(plan.kind)) == (annotation, kind)
    assert plan.default == default
    assert type(plan.default) is type(default)


EVALUATED = {
    "text": (str, "now", "now"),
    "int": (int, 3, 3),
    "float": (float, 0.25, 0.25),
    "bool false": (bool, False, False),
    "json data": (JSONType, {"a": [1]}, {"a": [1]}),
    "json text": (JSONType, '{"a": 2}', {"a": 2}),
    "json none": (JSONType, None, None),
}


@pytest.mark.parametrize("case", EVALUATED)
def test_deploy_time_functions_are_called_once(load_flow, case):
    click_type, value, default = EVALUATED[case]
    parameter = Parameter("p", type=click_type, default=counted(case, value))
    plan = plan_one(load_flow, parameter, must_have_defaults="@schedule")
    assert plan.default == default
    assert type(plan.default) is type(default)
    assert calls[case] == 1


def test_deploy_time_function_sees_the_context(load_flow):
    parameter = Parameter(
        "p", default=lambda ctx: f"{ctx.flow_name} {ctx.user_name} {ctx.parameter_name}"
    )
    assert plan_one(load_flow, parameter).default == "OneStepFlow tester p"


def test_a_list_from_a_function_is_given_value_by_value(load_flow):
    parameter = Parameter("p", type=str, multiple=True, default=lambda ctx: ["a", "b"])
    plan = plan_one(load_flow, parameter)
    assert (plan.default, str(plan.kind)) == (["a", "b"], "list[str]")


@pytest.mark.parametrize(
    "make", [str, lambda path: lambda ctx: str(path)], ids=["path", "callable"]
)
def test_include_file_default_is_uploaded(load_flow, tmp_path, make):
    (tmp_path / "words.txt").write_text("grüße")
    plan = plan_one(load_flow, IncludeFile("p", default=make(tmp_path / "words.txt")))
    descriptor = json.loads(plan.default)
    assert descriptor["type"] == "uploader-v2"
    assert descriptor["size"] == 7
    assert (str(plan.kind), plan.annotation) == ("file", "str")


FAILURES = {
    "function raises": (
        Parameter("bad-one", default=lambda ctx: 1 / 0),
        "deploy-time default of parameter *bad-one* cannot be used",
        "ZeroDivisionError",
    ),
    "function of a wrong type": (
        Parameter("bad-one", type=int, default=lambda ctx: "3"),
        "*bad-one*",
        "Expected a int",
    ),
    "function returns nothing": (
        Parameter("bad-one", default=lambda ctx: None),
        "*bad-one* returned None",
        "give the parameter no default",
    ),
    "function returns no JSON": (
        Parameter("bad-one", type=JSONType, default=lambda ctx: {1, 2}),
        "*bad-one*",
        "JSON",
    ),
    "default of a wrong type": (
        Parameter("bad-one", type=int, default="three"),
        "default of parameter *bad-one* is not of its type",
        "Change the default",
    ),
    "default is no JSON": (
        Parameter("bad-one", type=JSONType, default="{"),
        "*bad-one*",
        "valid JSON",
    ),
    "missing file": (IncludeFile("bad-one", default="nowhere.txt"), "*bad-one*", "nowhere.txt"),
}


@pytest.mark.parametrize("case", FAILURES)
def test_bad_defaults_name_the_parameter(load_flow, case):
    parameter, names, says = FAILURES[case]
    with pytest.raises(DagsterDeployError) as caught:
        plan_one(load_flow, parameter)
    assert names in caught.value.message
    assert says in caught.value.message
    # Only a function of the user's own shows where it failed.
    assert ("Traceback" in caught.value.message) is (case == "function raises")


def test_scheduled_flows_need_defaults(load_flow):
    flow = load_flow(
        with_parameters(a=Parameter("a", required=True), b=Parameter("b"), c=Parameter("c-c"))
    )
    assert read_flow(flow).required == ("a",)
    assert [plan.default for plan in plan_parameters(read_flow(flow), must_have_defaults=None)] == [
        MISSING,
        None,
        None,
    ]
    with pytest.raises(DagsterDeployError, match=r"\*a\* is required .* \*@schedule\*"):
        plan_parameters(read_flow(flow), must_have_defaults="@schedule")


# Metaflow name -> field, config key
NAMES = {
    "alpha": ("alpha", "alpha"),
    "maxN": ("maxN", "maxN"),
    "max-n": ("max_n", "max-n"),
    "class": ("param_class", "class"),
    "schema": ("param_schema", "schema"),
    "json": ("param_json", "json"),
    "int": ("param_int", "int"),
    "Optional": ("param_Optional", "Optional"),
    "model_name": ("param_model_name", "model_name"),
    "_x": ("param_x", "_x"),
    "größe": ("größe", "größe"),
    "config": ("param_config", "config"),
    "retry_count": ("retry_count", "retry_count"),
    "self": ("param_self", "param_self"),
    "x__internal__": ("x", "x"),
}


@pytest.mark.parametrize("name", NAMES)
def test_names(load_flow, name):
    plan = plan_one(load_flow, Parameter(name, default=3))
    assert (plan.field, plan.key, plan.name) == (*NAMES[name], name)
    assert plan.alias == (plan.key if plan.key != plan.field else None)
    assert_dagster_takes(plan)


def assert_dagster_takes(plan):
    """A Config class with this field gets the value that a run config has under the key."""
    from pydantic import Field

    body = {
        "__annotations__": {plan.field: int},
        plan.field: Field(default=plan.default, alias=plan.alias),
        "__module__": __name__,
    }
    config_class = type("FlowConfig", (dagster.Config,), body)
    seen = []

    @dagster.op
    def read(config: config_class):
        seen.append(getattr(config, plan.field))

    @dagster.job
    def job():
        read()

    job.execute_in_process(run_config={"ops": {"read": {"config": {plan.key: 7}}}})
    assert seen == [7]


def test_fields_hide_nothing_in_config():
    public = {name for name in dir(dagster.Config) if not name.startswith(("_", "model_"))}
    assert public <= _RESERVED_FIELDS
    assert not any(keyword.iskeyword(name) for name in _RESERVED_FIELDS)


def test_fields_are_unique(load_flow):
    flow = load_flow(with_parameters(a=Parameter("x-y"), b=Parameter("x_y"), c=Parameter("_x-y")))
    plans = plan_parameters(read_flow(flow), must_have_defaults=None)
    assert [(plan.name, plan.field, plan.alias) for plan in plans] == [
        ("x-y", "x_y", "x-y"),
        ("x_y", "x_y_2", "x_y"),
        ("_x-y", "param_x_y", "_x-y"),
    ]


def test_names_that_differ_in_case_only_are_metaflows_error(load_flow):
    flow = load_flow(with_parameters(a=Parameter("alpha"), b=Parameter("Alpha")))
    with pytest.raises(MetaflowException, match="specified twice"):
        plan_parameters(read_flow(flow), must_have_defaults=None)


def test_descriptions(load_flow):
    flow = load_flow(
        with_parameters(
            a=Parameter("a", help="How many.\nLines."),
            b=Parameter("b"),
            c=IncludeFile("c", help="Words."),
            d=Parameter("d", default=frozenset("a")),
        )
    )
    assert [
        plan.description for plan in plan_parameters(read_flow(flow), must_have_defaults=None)
    ] == [
        "How many.\nLines.",
        None,
        "Words.\nPath of a file where the job runs, or the descriptor of an uploaded file.",
        "Left out, Metaflow's default (frozenset).",
    ]


class ConfiguredFlow(FlowSpec):
    settings = Config("settings")
    top = Parameter("top", default=config_expr("settings.top"))
    names = Parameter("names", default=config_expr("settings.names"), type=JSONType)

    @step
    def start(self):
        self.next(self.end)

    @step
    def end(self):
        pass


def test_defaults_from_configs_are_resolved_and_configs_are_no_parameters(load_flow):
    flow = load_flow(ConfiguredFlow, configs={"settings": {"top": 7, "names": ["a"]}})
    plans = {plan.name: plan for plan in plan_parameters(read_flow(flow), must_have_defaults=None)}
    assert set(plans) == {"top", "names"}
    assert (plans["top"].default, str(plans["top"].kind)) == (7, "int")
    assert plans["names"].default == ["a"]
