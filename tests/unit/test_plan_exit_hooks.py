"""Exit hooks in the plan."""

from __future__ import annotations

from metaflow import FlowSpec, step
from support.metaflow_names import exit_hook

from metaflow_extensions.dagster.graph import read_flow
from metaflow_extensions.dagster.plan.exit_hooks import ExitHookPlan, plan_exit_hooks


def tell(): ...


def cry(run): ...


def test_hooks_of_all_decorators_in_their_order(load_flow):
    @exit_hook(on_success=[tell])
    @exit_hook(on_success=["tools.tell"], on_error=[cry, "os.getcwd"])
    class HookedFlow(FlowSpec):
        @step
        def start(self):
            self.next(self.end)

        @step
        def end(self): ...

    plan = plan_exit_hooks(read_flow(load_flow(HookedFlow)))
    assert plan == ExitHookPlan(("tools.tell", "tell"), ("cry", "os.getcwd"))


def test_no_hooks(load_flow):
    class PlainFlow(FlowSpec):
        @step
        def start(self):
            self.next(self.end)

        @step
        def end(self): ...

    assert plan_exit_hooks(read_flow(load_flow(PlainFlow))) is None
