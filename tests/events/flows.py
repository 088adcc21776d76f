"""Sources of the flows that these tests deploy."""

HEAD = """
from metaflow import (
    FlowSpec, JSONType, Parameter, current, exit_hook, namespaced_event_name, project, schedule,
    step, trigger, trigger_on_finish,
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
    '@project(name="shop")\n'
    '@trigger(event={"name": namespaced_event_name("arrived"),\n'
    '                "parameters": {"day": "date", "self": "me"}})',
    '    day = Parameter("day", required=True)\n    me = Parameter("self", default="x")\n',
)
"""A flow of a project on an event of its branch, with a parameter that must be given."""
