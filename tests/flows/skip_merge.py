"""A switch into the middle of a chain: x to a to b to m, y to b, z to m."""

from metaflow import Parameter, step
from tracing import TracedFlow


class SkipMergeFlow(TracedFlow):
    route = Parameter("route", default="x")

    @step
    def start(self):
        self.mark()
        self.next(self.decide)

    @step
    def decide(self):
        self.mark()
        self.next({"x": self.a, "y": self.b, "z": self.m}, condition="route")

    @step
    def a(self):
        self.mark()
        self.x = ["a"]
        self.next(self.b)

    @step
    def b(self):
        self.mark()
        self.x = [*getattr(self, "x", []), "b"]
        self.next(self.m)

    @step
    def m(self):
        self.mark()
        self.x = [*getattr(self, "x", []), "m"]
        self.next(self.end)

    @step
    def end(self):
        self.mark()


if __name__ == "__main__":
    SkipMergeFlow()
