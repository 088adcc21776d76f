"""A switch in a branch of a switch; an inner target belongs to the outer one too."""

from metaflow import Parameter, step
from tracing import TracedFlow


class SwitchNestedFlow(TracedFlow):
    outer = Parameter("outer", default="p")
    inner = Parameter("inner", default="x")

    @step
    def start(self):
        self.mark()
        self.next(self.decide)

    @step
    def decide(self):
        self.mark()
        self.next({"p": self.p, "q": self.shared, "r": self.r}, condition="outer")

    @step
    def p(self):
        self.mark()
        self.next({"x": self.x, "y": self.shared, "z": self.merged}, condition="inner")

    @step
    def x(self):
        self.mark()
        self.way = "x"
        self.next(self.merged)

    @step
    def shared(self):
        self.mark()
        self.way = "shared"
        self.next(self.merged)

    @step
    def r(self):
        self.mark()
        self.way = "r"
        self.next(self.merged)

    @step
    def merged(self):
        self.mark()
        self.next(self.end)

    @step
    def end(self):
        self.mark()


if __name__ == "__main__":
    SwitchNestedFlow()
