"""Metaflow steps in warm processes: what flows do that binds at import, pickles or ends oddly."""

from __future__ import annotations

import json
import os
import re
import sys

import pytest
from support.warm_lab import TOP_ARGS, Lab

from metaflow_extensions.dagster.warm import client as warm

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="forks on Linux only")

# Prints what a task left in the datastore, in an interpreter of its own.
READER = """
    import json, sys
    from metaflow import Task, namespace
    namespace(None)
    found = []
    for name in sys.argv[1:]:
        task = Task(name)
        data = {}
        for artifact in task.artifacts:
            if artifact.id in ("seen", "total", "module", "failure"):
                data[artifact.id] = repr(artifact.data)
        metadata = sorted(m.name for m in task.metadata)
        found.append({"ok": task.successful, "data": data, "metadata": metadata})
    print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    lab = Lab(tmp_path_factory.mktemp("flows"))
    (lab.folder / ".metaflow").mkdir()
    yield lab
    warm._state.retire_all()


class Flow:
    """A flow file, run by hand: init, then steps."""

    def __init__(self, lab: Lab, name: str, text: str, top: tuple[str, ...] = ()) -> None:
        self.lab, self.name = lab, name
        self.script = lab.script(text, f"{name.lower()}.py")
        self.top = [*TOP_ARGS, *top]
        self.run_id = f"r-{name}"

    def init(self, *args: str, **extra) -> None:
        ran = self.lab.run(
            self.script,
            *self.top,
            "init",
            "--run-id",
            self.run_id,
            "--task-id",
            "params",
            *args,
            **extra,
        )
        assert ran.code == 0, ran.err

    def step(self, name: str, task: str, inputs: str, *args: str, **extra):
        return self.lab.run(
            self.script, *self.top, "step", name, "--run-id", self.run_id, "--task-id", task,
            "--input-paths", f"{self.run_id}/{inputs}", *args, **extra,
        )  # fmt: skip

    def read(self, *tasks: str) -> list[dict]:
        reader = self.lab.script(READER, "reader.py")
        paths = [f"{self.name}/{self.run_id}/{task}" for task in tasks]
        ran = self.lab.run(reader, *paths, is_warm=False)
        assert ran.code == 0, ran.err
        return json.loads(ran.out)


def test_parameters_configs_and_options_bind_to_the_flow(lab):
    """Two flows with other parameters, configs and decorator options, through one server."""
    flow = """
        from metaflow import Config, FlowSpec, Parameter, project, step, current

        @project(name="common")
        class {name}(FlowSpec):
            {parameter} = Parameter("{parameter}", type=int, default=1)
            settings = Config("{config}", default_value='{{"depth": 3}}')

            @step
            def start(self):
                self.seen = [self.{parameter}, self.settings.depth, current.branch_name]
                self.next(self.end)

            @step
            def end(self):
                pass

        if __name__ == "__main__":
            {name}()
    """
    for name, parameter, config in (("First", "alpha", "conf_a"), ("Second", "beta", "conf_b")):
        text = flow.format(name=name, parameter=parameter, config=config)
        made = Flow(lab, name, text, ("--branch=b_" + name.lower(),))
        made.init(f"--{parameter}", "5")
        ran = made.step("start", "task", "_parameters/params")
        assert ran.code == 0, ran.err
        (task,) = made.read("start/task")
        assert task["data"]["seen"] == f"[5, 3, 'test.b_{name.lower()}']"


def test_classes_of_the_flow_file_pickle(lab):
    """A foreach over objects whose class is in the flow file, joined in another process."""
    flow = Flow(
        lab,
        "Pickles",
        """
        from dataclasses import dataclass
        from metaflow import FlowSpec, step

        @dataclass
        class Point:
            x: int

        class Pickles(FlowSpec):
            @step
            def start(self):
                self.points = [Point(1), Point(2)]
                self.next(self.body, foreach="points")

            @step
            def body(self):
                self.doubled = Point(self.input.x * 2)
                self.module = type(self.input).__module__
                self.next(self.join)

            @step
            def join(self, inputs):
                self.total = sum(i.doubled.x for i in inputs)
                assert all(type(i.doubled) is Point for i in inputs)
                self.next(self.end)

            @step
            def end(self):
                pass

        if __name__ == "__main__":
            Pickles()
        """,
    )
    flow.init()
    assert flow.step("start", "task", "_parameters/params").code == 0
    for n in (0, 1):
        assert flow.step("body", f"task-{n}", "start/task", "--split-index", str(n)).code == 0
    ran = flow.step("join", "task", f"body/task-0,{flow.run_id}/body/task-1")
    assert ran.code == 0, ran.err
    assert flow.step("end", "task", "join/task").code == 0
    joined, second = flow.read("join/task", "body/task-1")
    assert (joined["data"]["total"], second["data"]["module"]) == ("6", "'__main__'")


ENDINGS = """
    import os, signal, sys, threading, time, atexit
    from metaflow import FlowSpec, catch, retry, step, timeout
    from metaflow.exception import METAFLOW_EXIT_DISALLOW_RETRY

    class Ends(FlowSpec):
        @step
        def start(self):
            self.next(self.raises, self.late, self.caught, self.exits, self.crashes, self.prints)

        @step
        def raises(self):
            raise ValueError("the user's mistake")
            self.next(self.join)

        @timeout(seconds=1)
        @step
        def late(self):
            time.sleep(30)
            self.next(self.join)

        @catch(var="failure")
        @timeout(seconds=1)
        @step
        def caught(self):
            time.sleep(30)
            self.next(self.join)

        @step
        def exits(self):
            sys.exit(METAFLOW_EXIT_DISALLOW_RETRY)
            self.next(self.join)

        @step
        def crashes(self):
            os.kill(os.getpid(), signal.SIGSEGV)
            self.next(self.join)

        @step
        def prints(self):
            print("to stdout")
            print("to stderr", file=sys.stderr)
            atexit.register(print, "at exit")
            threading.Thread(target=lambda: (time.sleep(0.1), print("in a thread"))).start()
            self.next(self.join)

        @step
        def join(self, inputs):
            self.next(self.end)

        @step
        def end(self):
            pass

    if __name__ == "__main__":
        Ends()
"""


def test_steps_end_as_in_a_new_process(lab):
    flow = Flow(lab, "Ends", ENDINGS)
    flow.init()
    assert flow.step("start", "task", "_parameters/params").code == 0
    names = ("raises", "late", "caught", "exits", "crashes", "prints")
    for name in names:
        warm_one = flow.step(name, "warm", "start/task")
        cold_one = flow.step(name, "cold", "start/task", is_warm=False)
        assert warm_one.code == cold_one.code, name
        assert _plain(warm_one.out) == _plain(cold_one.out), name
        assert _plain(warm_one.err) == _plain(cold_one.err), name
    left = [flow.read(*(f"{name}/{kind}" for name in names)) for kind in ("warm", "cold")]
    assert left[0] == left[1]


def _plain(text: str) -> str:
    """Without times and task names."""
    return re.sub(r"[-\d]+ [:\d]+\.\d+", "<time>", text).replace("/warm", "/cold")


def test_facts_about_the_repository_are_recorded(lab):
    """As in a new process, also when they come from the server, which asks git for them."""
    flow = """
        from metaflow import FlowSpec, step

        class Repo(FlowSpec):
            @step
            def start(self):
                self.next(self.end)

            @step
            def end(self):
                pass

        if __name__ == "__main__":
            Repo()
    """
    folder = lab.folder / "repo"
    folder.mkdir()
    lab.script(flow, "repo/repo.py")
    git = ["git", "-C", str(folder), "-c", "user.email=a@b.c", "-c", "user.name=n"]
    for command in (["init", "-q"], ["add", "."], ["commit", "-qm", "x"]):
        assert os.spawnvp(os.P_WAIT, "git", [*git, *command]) == 0
    made = Flow(lab, "Repo", flow)
    made.script = str(folder / "repo.py")
    made.init()
    for task, is_warm in (("warm", True), ("again", True), ("cold", False)):
        ran = made.step("start", task, "_parameters/params", is_warm=is_warm)
        assert ran.code == 0, ran.err
    facts = made.read("start/warm", "start/again", "start/cold")
    assert facts[0]["metadata"] == facts[1]["metadata"] == facts[2]["metadata"]
