"""A switch by string with three branches that merge."""

from metaflow import Parameter, step
from tracing import TracedFlow


class SwitchFlow(TracedFlow):
    route = Parameter("route", default="a")

    @step
    def start(self):
        self.mark()
        self.next(self.decide)

    @step
    def decide(self):
        self.mark()
        self.next({"a": self.a, "b": self.b, "c": self.c}, condition="route")

    @step
    def a(self):
        self.mark()
        self.x = "from a"
        self.next(self.merged)

    @step
    def b(self):
        self.mark()
        self.x = "from b"
        self.next(self.merged)

    @step
    def c(self):
        self.mark()
        self.x = "from c"
        self.next(self.merged)

    @step
    def merged(self):
        self.mark()
        self.y = self.x
        self.next(self.end)

    @step
    def end(self):
        self.mark()


if __name__ == "__main__":
    SwitchFlow()
