"""The step where branches of a switch merge is a switch itself, and one case skips it."""

from metaflow import Parameter, step
from tracing import TracedFlow


class MergeSwitchFlow(TracedFlow):
    route = Parameter("route", default="ap")

    @step
    def start(self):
        self.mark()
        self.next(self.decide)

    @step
    def decide(self):
        self.mark()
        self.k1, self.k2 = self.route
        self.next({"a": self.a, "b": self.b, "c": self.merged}, condition="k1")

    @step
    def a(self):
        self.mark()
        self.next(self.merged)

    @step
    def b(self):
        self.mark()
        self.next(self.merged)

    @step
    def merged(self):
        self.mark()
        self.next({"p": self.p, "q": self.q}, condition="k2")

    @step
    def p(self):
        self.mark()
        self.next(self.end)

    @step
    def q(self):
        self.mark()
        self.next(self.end)

    @step
    def end(self):
        self.mark()


if __name__ == "__main__":
    MergeSwitchFlow()
