"""Decorators that act when a task is launched: their hooks run as native runs them."""

from __future__ import annotations

import sys
from pathlib import Path

from support.project import Project

EXTENSION = Path(__file__).parent.parent / "support" / "extension"
FLOW = """
import os
from metaflow import Config, FlowSpec, config_expr, current, environment, retry, step
from metaflow import reroute, setvar

class Hooked(FlowSpec):
    settings = Config("settings", default_value='{"mode": "fast"}')

    @environment(vars={"MODE": config_expr("settings.mode"), "METAFLOW_X": "y"})
    @step
    def start(self):
        self.mode = os.environ["MODE"]
        self.items = ["a", "b"]
        self.next(self.work, foreach="items")

    @setvar(value="from the decorator")
    @retry(times=1, minutes_between_retries=0)
    @reroute
    @step
    def work(self):
        self.seen = os.environ["REROUTED"]
        self.setvar = os.environ["SETVAR"]
        assert current.retry_count == 1 or self.index == 0
        self.next(self.join)

    @step
    def join(self, inputs):
        self.seen = [i.seen for i in inputs]
        self.setvar = [i.setvar for i in inputs]
        self.left_over = [name in os.environ for name in ("MODE", "REROUTED", "SETVAR")]
        self.next(self.end)

    @step
    def end(self):
        pass

if __name__ == "__main__":
    Hooked()
"""


def test_hooks_run_with_everything_that_native_gives_them(project: Project) -> None:
    project.env["PYTHONPATH"] = str(EXTENSION)
    project.deploy(FLOW)
    project.execute("Hooked")
    run = "Flow('Hooked').latest_run"
    assert project.query(f"{run}.successful") is True
    assert project.query(f"{run}['start'].task['mode'].data") == "fast"
    run_id = project.query(f"{run}.id")
    seen = project.query(f"{run}['join'].task['seen'].data")
    expected = [
        [
            ("init", run_id),
            ("created", f"task-{index}", str(index), f"{run_id}/start/task"),
            (attempt, 1, None),
        ]
        for index, attempt in ((0, 0), (1, 1))
    ]
    assert seen == [repr(entry) for entry in expected]
    assert project.query(f"{run}['join'].task['setvar'].data") == ["from the decorator"] * 2
    assert project.query(f"{run}['join'].task['left_over'].data") == [False] * 3


def test_decorators_of_create_run_their_hooks_too(project: Project) -> None:
    project.env["PYTHONPATH"] = str(EXTENSION)
    source = FLOW.replace('@setvar(value="from the decorator")', "")
    project.deploy(source, "--with=setvar:value=given")
    project.execute("Hooked")
    assert project.query("Flow('Hooked').latest_run['work'].task['setvar'].data") == "given"
    text = (project.folder / "defs.py").read_text()
    assert "setvar:value=given" in text
    assert str(sys.executable) not in text
