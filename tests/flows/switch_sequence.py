"""Switches one after the other, the second opened by the merge of the first."""

from metaflow import Parameter, step
from tracing import TracedFlow


class SwitchSequenceFlow(TracedFlow):
    route = Parameter("route", default="ax")

    @step
    def start(self):
        self.mark()
        self.next(self.first)

    @step
    def first(self):
        self.mark()
        self.k1 = self.route[0]
        self.next({"a": self.a, "b": self.b}, condition="k1")

    @step
    def a(self):
        self.mark()
        self.next(self.second)

    @step
    def b(self):
        self.mark()
        self.next(self.second)

    @step
    def second(self):
        self.mark()
        self.k2 = self.route[1]
        self.next({"x": self.x, "y": self.y}, condition="k2")

    @step
    def x(self):
        self.mark()
        self.next(self.end)

    @step
    def y(self):
        self.mark()
        self.next(self.end)

    @step
    def end(self):
        self.mark()


if __name__ == "__main__":
    SwitchSequenceFlow()
