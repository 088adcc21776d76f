"""Decorators that act when a task is launched: their hooks run as native runs them."""

from __future__ import annotations

import json
import sys
import venv
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
            ("created", f"work-{index}", str(index), f"{run_id}/start/start"),
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


OTHER = """
import sys
from metaflow import FlowSpec, interpreter, step

class Other(FlowSpec):
    @step
    def start(self):
        self.items = [1, 2]
        self.next(self.work, foreach="items")

    @interpreter(path="PATH")
    @step
    def work(self):
        self.python = sys.executable
        self.next(self.join)

    @step
    def join(self, inputs):
        self.pythons = [i.python for i in inputs] + [sys.executable]
        self.next(self.end)

    @step
    def end(self):
        pass

if __name__ == "__main__":
    Other()
"""


def test_a_step_may_have_another_interpreter(project: Project) -> None:
    project.env["PYTHONPATH"] = str(EXTENSION)
    folder = project.folder / "other"
    venv.create(folder, symlinks=True)
    (site,) = folder.glob("lib/*/site-packages")
    ours = [path for path in sys.path if path.endswith("-packages")]
    lines = [f"import site; site.addsitedir({path!r})\n" for path in ours]
    (site / "all.pth").write_text("".join(lines))
    python = str(folder / "bin" / "python")
    project.deploy(OTHER.replace("PATH", python))
    project.execute("Other")
    pythons = project.query("Flow('Other').latest_run['join'].task['pythons'].data")
    assert pythons == [python, python, sys.executable]


ELSEWHERE = """
from metaflow import FlowSpec, current, elsewhere, step

class Away(FlowSpec):
    @step
    def start(self):
        self.items = [1, 2]
        self.next(self.work, foreach="items")

    @elsewhere
    @step
    def work(self):
        self.event = [current.trigger.event.name, current.trigger.event.payload]
        self.way = "on" if self.input == 1 else "out"
        self.next({"on": self.more, "out": self.last}, condition="way")

    @step
    def more(self):
        self.next(self.last)

    @step
    def last(self):
        self.next(self.join)

    @step
    def join(self, inputs):
        self.next(self.end)

    @step
    def end(self):
        pass

if __name__ == "__main__":
    Away()
"""


def test_a_task_on_another_machine_knows_what_started_it(project: Project) -> None:
    project.env["PYTHONPATH"] = str(EXTENSION)
    project.deploy(ELSEWHERE)
    event = {"name": "ready", "id": "e1", "type": "event", "timestamp": 1700000000}
    # As files of the first versions tagged it.
    tags = {"metaflow/triggered_by": json.dumps([{**event, "payload": {"n": 1}}])}
    tags["metaflow/scheduled_time"] = "2026-01-05T09:30:00+05:30"
    project.run(*project._execute("Away"), "--tags", json.dumps(tags))
    run = "Flow('Away').latest_run"
    assert project.query(f"[{run}.successful, [t['event'].data for t in {run}['work']]]") == [
        True,
        [["ready", {"n": 1}]] * 2,
    ]
    metadata = project.query(f"{run}['work'].task.metadata_dict")
    assert metadata["dagster-job"] == "Away"
    assert metadata["dagster-step-key"].startswith("op_work[")
    assert metadata["dagster-scheduled-time"] == tags["metaflow/scheduled_time"]
