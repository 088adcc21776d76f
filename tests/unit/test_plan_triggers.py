"""``@trigger`` and ``@trigger_on_finish`` of real flows, planned."""

from collections import Counter

import pytest
from metaflow import Config, FlowSpec, Parameter, step
from support.metaflow_names import namespaced_event_name, project, trigger, trigger_on_finish
from support.needs import NAMESPACED_EVENTS, needs

from metaflow_extensions.dagster.errors import DagsterDeployError
from metaflow_extensions.dagster.graph import read_flow
from metaflow_extensions.dagster.plan.triggers import (
    EventPlan,
    EventTriggerPlan,
    FinishTriggerPlan,
    ResetPlan,
    UpstreamPlan,
    plan_triggers,
)

calls = Counter()


def counted(name, value):
    def function(context):
        calls[name] += 1
        return value

    return function


def decorated(*decorators, **parameters):
    """A flow class with these decorators; its parameters are Alpha and beta unless given."""

    class TriggeredFlow(FlowSpec):
        settings = Config("settings", default_value={})

        @step
        def start(self):
            self.next(self.end)

        @step
        def end(self):
            pass

    for name, parameter in (
        parameters or {"a": Parameter("Alpha"), "b": Parameter("beta")}
    ).items():
        setattr(TriggeredFlow, name, parameter)
    for decorator in decorators:
        TriggeredFlow = decorator(TriggeredFlow)
    return TriggeredFlow


BY_NAME = (("Alpha", "Alpha"), ("beta", "beta"))
# @trigger(...) -> events
EVENTS = {
    "a name": ({"event": "foo"}, [EventPlan("foo", BY_NAME, True)]),
    "a name in a list": ({"events": ["foo"]}, [EventPlan("foo", BY_NAME, True)]),
    "a name in a dict": ({"event": {"name": "foo"}}, [EventPlan("foo", BY_NAME, True)]),
    "a mapping": (
        {"event": {"name": "foo", "parameters": {"alpha": "x"}}},
        [EventPlan("foo", (("Alpha", "x"),), False)],
    ),
    "a mapping as a list": (
        {"event": {"name": "foo", "parameters": ["beta", ("Alpha", "x")]}},
        [EventPlan("foo", (("beta", "beta"), ("Alpha", "x")), False)],
    ),
    "several": (
        {"events": ["foo", {"name": "a.b-c_1", "parameters": {"beta": "y"}}]},
        [EventPlan("foo", (), False), EventPlan("a.b-c_1", (("beta", "y"),), False)],
    ),
    "a function for the event": (
        {"event": counted("event", "foo")},
        [EventPlan("foo", BY_NAME, True)],
    ),
    "a function for an event with a mapping": (
        {"event": lambda context: {"name": "foo", "parameters": {"beta": "z"}}},
        [EventPlan("foo", (("beta", "z"),), False)],
    ),
    "a function for the events": (
        {"events": counted("events", ["foo", {"name": "bar"}])},
        [EventPlan("foo", (), False), EventPlan("bar", (), False)],
    ),
    "a function for the name": (
        {"event": {"name": counted("name", "foo"), "parameters": {"beta": "z"}}},
        [EventPlan("foo", (("beta", "z"),), False)],
    ),
    "a function for the mapping": (
        {"event": {"name": "foo", "parameters": counted("mapping", {"beta": "z"})}},
        [EventPlan("foo", (("beta", "z"),), False)],
    ),
}


@pytest.mark.parametrize("case", EVENTS)
def test_events(load_flow, case):
    options, events = EVENTS[case]
    calls.clear()
    flow = load_flow(decorated(trigger(**options)))
    assert plan_triggers(read_flow(flow)) == (EventTriggerPlan(tuple(events), None),)
    assert set(calls.values()) <= {1}


@needs(NAMESPACED_EVENTS)
def test_events_of_a_project(load_flow):
    on_foo = trigger(event=namespaced_event_name("foo"))
    (plan,) = plan_triggers(read_flow(load_flow(decorated(on_foo))))
    assert plan == EventTriggerPlan((EventPlan("mfns.foo", BY_NAME, True),), None)
    flow = load_flow(decorated(on_foo, project(name="shop")), branch="sale")
    (plan,) = plan_triggers(read_flow(flow))
    assert isinstance(plan, EventTriggerPlan)
    assert plan.events[0].name == "mfns.shop.test.sale.foo"


# @trigger_on_finish(...) -> upstreams, without a project of the flow's own
FINISHES = {
    "a flow": ({"flow": "Foo"}, [UpstreamPlan("Foo", None, None)]),
    "flows": (
        {"flows": ["Foo", "shop.prod.Bar"]},
        [UpstreamPlan("Foo", None, None), UpstreamPlan("Bar", "shop", "prod")],
    ),
    "a branch of a project": (
        {"flow": "shop.test.sale.Foo"},
        [UpstreamPlan("Foo", "shop", "test.sale")],
    ),
    "a dict": (
        {"flow": {"name": "Foo", "project": "shop", "project_branch": "user.bob"}},
        [UpstreamPlan("Foo", "shop", "user.bob")],
    ),
    "a function": ({"flow": counted("flow", "Foo")}, [UpstreamPlan("Foo", None, None)]),
    "a function for several": (
        {"flows": counted("flows", ["Foo", "shop.prod.Bar"])},
        [UpstreamPlan("Foo", None, None), UpstreamPlan("Bar", "shop", "prod")],
    ),
}


@pytest.mark.parametrize("case", FINISHES)
def test_finishes(load_flow, case):
    options, upstreams = FINISHES[case]
    calls.clear()
    flow = load_flow(decorated(trigger_on_finish(**options)))
    (plan,) = plan_triggers(read_flow(flow))
    assert plan == FinishTriggerPlan(tuple(upstreams), None)
    assert set(calls.values()) <= {1}


def test_upstreams_are_of_the_own_project_and_branch(load_flow):
    upstream = [
        "Foo",
        "other.prod.Foo",
        {"name": "Bar", "project": "other"},
        {"name": "Bar", "project_branch": "prod"},
    ]
    flow = load_flow(
        decorated(trigger_on_finish(flows=upstream), project(name="shop")), production=True
    )
    (plan,) = plan_triggers(read_flow(flow))
    assert isinstance(plan, FinishTriggerPlan)
    assert plan.flows == ("shop.prod.Foo", "other.prod.Foo", "other.prod.Bar", "shop.prod.Bar")


def test_both_decorators(load_flow):
    flow = load_flow(
        decorated(
            trigger(event="foo", options={"reset_at": {"cron": "0 5 * * ? *"}}),
            trigger_on_finish(
                flows=["Foo", "Bar"],
                options={"reset_at": {"cron": "0 6 * * 1", "timezone": "Europe/Zurich"}},
            ),
        )
    )
    events, finishes = plan_triggers(read_flow(flow))
    assert (events.kind, events.reset) == ("event", ResetPlan("0 5 * * *", None))
    assert (finishes.kind, finishes.reset) == ("finish", ResetPlan("0 6 * * 1", "Europe/Zurich"))


def test_options_for_others_are_left_alone(load_flow):
    flow = load_flow(decorated(trigger(event="foo", options={"colour": "blue"})))
    assert plan_triggers(read_flow(flow))[0].reset is None


def test_flows_without_triggers(load_flow):
    assert plan_triggers(read_flow(load_flow(decorated()))) == ()


def test_a_required_parameter_may_come_from_an_event(load_flow):
    event = {"name": "foo", "parameters": {"must": "x"}}
    flow = load_flow(decorated(trigger(event=event), a=Parameter("must", required=True)))
    assert plan_triggers(read_flow(flow)) == (
        EventTriggerPlan((EventPlan("foo", (("must", "x"),), False),), None),
    )


def fail(context):
    raise RuntimeError("no luck")


REFUSED = {
    "invalid event name": (trigger(event="a b"), "*a b*", "dots"),
    "event name of a function": (trigger(event=lambda _: "a/b"), "*a/b*", "Use letters"),
    "unknown parameter": (
        trigger(event={"name": "foo", "parameters": {"gamma": "x"}}),
        *("*gamma*", "Its parameters: Alpha, beta"),
    ),
    "a config as parameter": (
        trigger(event={"name": "foo", "parameters": {"settings": "x"}}),
        *("*settings*", "does not have"),
    ),
    "empty field": (
        trigger(event={"name": "foo", "parameters": {"beta": ""}}),
        *("*beta*", "empty field"),
    ),
    "a parameter twice": (
        trigger(
            events=[
                {"name": "foo", "parameters": {"beta": "x"}},
                {"name": "bar", "parameters": {"Beta": "x"}},
            ]
        ),
        *("*foo* and *bar*", "*beta*"),
    ),
    "an event twice": (trigger(events=lambda _: ["foo", "foo"]), "*foo* twice", "@trigger"),
    "a flow twice": (trigger_on_finish(flows=["Foo", "Foo"]), "*Foo* twice", "@trigger_on_finish"),
    "function fails": (trigger(event=fail), "*@trigger*", "no luck"),
    "function returns a number": (trigger(event=lambda _: 5), "*@trigger*", "Return a name"),
    "name function returns a list": (
        trigger(event={"name": lambda _: ["foo"]}),
        *("*@trigger*", "not a valid event name"),
    ),
    "finish function fails": (trigger_on_finish(flow=fail), "*@trigger_on_finish*", "no luck"),
    "finish function returns a number": (
        trigger_on_finish(flow=lambda _: 5),
        *("*@trigger_on_finish*", "Return a name"),
    ),
    "finish function returns half a name": (
        trigger_on_finish(flow=lambda _: "shop.Foo"),
        *("*@trigger_on_finish*", "project_name.branch_name.flow_name"),
    ),
    "a project without branch": (
        trigger_on_finish(flow={"name": "Foo", "project": "shop"}),
        *("*Foo* and no project_branch", "@project"),
    ),
    "a branch without project": (
        trigger_on_finish(flow={"name": "Foo", "project_branch": "prod"}),
        *("*Foo* and no project.", "@project"),
    ),
    "reset without cron": (
        trigger(event="foo", options={"reset_at": {"timezone": "UTC"}}),
        *("*@trigger (reset_at)* has no cron", "Write"),
    ),
    "reset with a bad cron": (
        trigger(event="foo", options={"reset_at": {"cron": "0 99 * * *"}}),
        *("*@trigger (reset_at)*", "99 is not a valid hour"),
    ),
    "reset with a bad timezone": (
        trigger(event="foo", options={"reset_at": {"cron": "0 9 * * *", "timezone": "Mars"}}),
        *("*@trigger (reset_at)*", "*Mars*"),
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused(load_flow, case):
    decorator, names, says = REFUSED[case]
    flow = load_flow(decorated(decorator))
    with pytest.raises(DagsterDeployError) as caught:
        plan_triggers(read_flow(flow))
    assert names in caught.value.message
    assert says in caught.value.message


UNFILLED = {
    "event": (trigger(event="foo"), 'parameters={"must": "<field>"}'),
    "events": (trigger(events=["foo", "bar"]), "*@trigger*"),
    "finish": (trigger_on_finish(flow="Foo"), "*@trigger_on_finish*"),
}


@pytest.mark.parametrize("case", UNFILLED)
def test_a_required_parameter_that_no_event_gives(load_flow, case):
    decorator, says = UNFILLED[case]
    flow = load_flow(decorated(decorator, a=Parameter("must", required=True), b=Parameter("b")))
    with pytest.raises(DagsterDeployError, match=r"\*must\* is required") as caught:
        plan_triggers(read_flow(flow))
    assert says in caught.value.message
