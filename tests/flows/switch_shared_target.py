"""Several cases of a switch that lead to one step."""

from metaflow import Parameter, step
from tracing import TracedFlow


class SwitchSharedTargetFlow(TracedFlow):
    route = Parameter("route", default="a")

    @step
    def start(self):
        self.mark()
        self.next(self.decide)

    @step
    def decide(self):
        self.mark()
        self.next(
            {"a": self.first, "b": self.second, "c": self.first, "d": self.second, "e": self.third},
            condition="route",
        )

    @step
    def first(self):
        self.mark()
        self.x = 1
        self.next(self.merged)

    @step
    def second(self):
        self.mark()
        self.x = 2
        self.next(self.merged)

    @step
    def third(self):
        self.mark()
        self.x = 3
        self.next(self.merged)

    @step
    def merged(self):
        self.mark()
        self.next(self.end)

    @step
    def end(self):
        self.mark()


if __name__ == "__main__":
    SwitchSharedTargetFlow()
