"""A switch inside one branch of a split, another in the other."""

from metaflow import Parameter, step
from tracing import TracedFlow


class SplitSwitchFlow(TracedFlow):
    route = Parameter("route", default="ax")

    @step
    def start(self):
        self.mark()
        self.next(self.left, self.right)

    @step
    def left(self):
        self.mark()
        self.k = self.route[0]
        self.next({"a": self.la, "b": self.lb}, condition="k")

    @step
    def la(self):
        self.mark()
        self.x = "la"
        self.next(self.lm)

    @step
    def lb(self):
        self.mark()
        self.x = "lb"
        self.next(self.lm)

    @step
    def lm(self):
        self.mark()
        self.next(self.both)

    @step
    def right(self):
        self.mark()
        self.k = self.route[1]
        self.x = "r"
        self.next({"x": self.rx, "y": self.ry, "z": self.rm}, condition="k")

    @step
    def rx(self):
        self.mark()
        self.x = "rx"
        self.next(self.rm)

    @step
    def ry(self):
        self.mark()
        self.x = "ry"
        self.next(self.rm)

    @step
    def rm(self):
        self.mark()
        self.next(self.both)

    @step
    def both(self, inputs):
        self.mark(inputs)
        self.x = [i.x for i in self.ordered(inputs)]
        self.next(self.end)

    @step
    def end(self):
        self.mark()


if __name__ == "__main__":
    SplitSwitchFlow()
