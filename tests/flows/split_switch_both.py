"""A switch in each branch of a split, all four ways lead to the join."""

from metaflow import Parameter, step
from tracing import TracedFlow


class SplitSwitchBothFlow(TracedFlow):
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
        self.next(self.both)

    @step
    def lb(self):
        self.mark()
        self.x = "lb"
        self.next(self.both)

    @step
    def right(self):
        self.mark()
        self.k = self.route[1]
        self.next({"x": self.rx, "y": self.ry}, condition="k")

    @step
    def rx(self):
        self.mark()
        self.x = "rx"
        self.next(self.both)

    @step
    def ry(self):
        self.mark()
        self.x = "ry"
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
    SplitSwitchBothFlow()
