"""Sources of the flows that these tests deploy."""

from support.needs import OWN_ENDS

HEAD = """
from metaflow import (
    FlowSpec, JSONType, Parameter, current, exit_hook, project, schedule, step, trigger,
    trigger_on_finish,
)
"""


def flow(name: str, decorators: str = "", body: str = "", start: str = "pass") -> str:
    """A flow of two steps."""
    return f"""{HEAD}
{decorators}
class {name}(FlowSpec):
{body}
    @step
    def start(self):
        {start}
        self.next(self.end)

    @step
    def end(self):
        pass


if __name__ == "__main__":
    {name}()
"""


PARAMETERS = """
    n = Parameter("n", default=1)
    rate = Parameter("rate", default=0.5)
    on = Parameter("on", default=False, type=bool)
    max_n = Parameter("max-n", default="none")
    window = Parameter("window", type=JSONType, default="{}")
    parts = Parameter("parts", separator=",", default="p")
    label = Parameter("label", multiple=True, default=["a"])
"""
ONE = flow(
    "OneFlow",
    '@trigger(event="data.ready")\n@trigger_on_finish(flow="UpFlow")\n'
    '@schedule(cron="30 * ? * MON-FRI *", timezone="Asia/Kolkata")',
    PARAMETERS,
)
"""One event whose fields set all parameters, one upstream flow, a schedule."""

TWO = flow(
    "TwoFlow",
    '@trigger(events=[{"name": "left", "parameters": {"n": "x"}}, "right"],\n'
    '         options={"reset_at": {"cron": "0 12 * * *", "timezone": "Europe/Zurich"}})\n'
    '@trigger_on_finish(flows=["UpFlow", "shop.prod.OtherFlow"])',
    '    n = Parameter("n", default=1)\n',
)
"""Two events, forgotten at noon, and two upstream flows."""

BRANCH = flow("BranchFlow", '@project(name="shop")\n@trigger_on_finish(flow="UpFlow")')
"""A flow of a project after another one."""

ARRIVED = flow(
    "ArrivedFlow",
    "from metaflow import namespaced_event_name\n"
    '@project(name="shop")\n'
    '@trigger(event={"name": namespaced_event_name("arrived"),\n'
    '                "parameters": {"day": "date", "self": "me"}})',
    '    day = Parameter("day", required=True)\n    me = Parameter("self", default="x")\n',
)
"""A flow of a project on an event of its branch, with a parameter that must be given."""

LAST = "finish" if OWN_ENDS.is_here else "end"
"""The last step of TOLD."""

TOLD = f"""{HEAD}
@trigger(event="data.ready")
class ToldFlow(FlowSpec):
    @step
    def start(self):
        trigger = current.get("trigger")
        self.told = trigger and {{
            "event": [trigger.event.name, trigger.event.id, trigger.event.type],
            "time": trigger.event.timestamp.isoformat(),
            "events": [event.name for event in trigger.events],
            "payloads": [event.payload for event in trigger.events],
            "run": trigger.run and trigger.run.pathspec,
            "runs": trigger.runs and [run.pathspec for run in trigger.runs],
            "by_name": bool(trigger["UpFlow"]) if "UpFlow" in trigger else None,
        }}
        self.items = ["a", "b"]
        self.next(self.loop, foreach="items")

    @step
    def loop(self):
        self.next(self.join)

    @step
    def join(self, inputs):
        self.told = current.get("trigger") and len(current.trigger.events)
        self.next(self.{LAST})

    @step{"(end=True)" if LAST != "end" else ""}
    def {LAST}(self):
        from metaflow import DagsterEvent
        DagsterEvent("told.done").add_to_payload("told", self.told).safe_publish()


if __name__ == "__main__":
    ToldFlow()
""".replace("        if False:\n            self.next(self.loop)\n", "")
"""Keeps what ``current.trigger`` said, and publishes an event itself."""

HOOKED = f"""{HEAD}
import os, time

def note(text):
    with open(os.path.join(os.path.dirname(__file__), "hooks.log"), "a") as file:
        file.write(text + chr(10))

def good(run):
    note("good " + run.pathspec + " " + str(run.successful))

def broken():
    note("broken")
    raise ValueError("broken on purpose")

def bad(run=None):
    note("bad " + run.pathspec)


@exit_hook(on_success=[broken, good], on_error=[bad, "os.getcwd"])
class HookedFlow(FlowSpec):
    how = Parameter("how", default="well")

    @step
    def start(self):
        if self.how == "badly":
            raise ValueError("failed on purpose")
        note("started") if self.how == "slowly" else None
        time.sleep(60 if self.how == "slowly" else 0)
        self.next(self.end)

    @step
    def end(self):
        pass


if __name__ == "__main__":
    HookedFlow()
"""
"""Writes down which of its exit hooks were called."""
