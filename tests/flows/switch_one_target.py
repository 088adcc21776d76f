"""A switch whose cases all lead to one step."""

from metaflow import Parameter, step
from tracing import TracedFlow


class SwitchOneTargetFlow(TracedFlow):
    route = Parameter("route", default="a")

    @step
    def start(self):
        self.mark()
        self.next({"a": self.next_one, "b": self.next_one}, condition="route")

    @step
    def next_one(self):
        self.mark()
        self.next(self.end)

    @step
    def end(self):
        self.mark()


if __name__ == "__main__":
    SwitchOneTargetFlow()
