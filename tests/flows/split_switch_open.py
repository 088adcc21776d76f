"""A switch inside a branch of a split whose ways lead to the join without merging before."""

from metaflow import Parameter, step
from tracing import TracedFlow


class SplitSwitchOpenFlow(TracedFlow):
    route = Parameter("route", default="a")

    @step
    def start(self):
        self.mark()
        self.next(self.left, self.right)

    @step
    def left(self):
        self.mark()
        self.k = self.route
        self.next({"a": self.la, "b": self.lb, "c": self.lc}, condition="k")

    @step
    def la(self):
        self.mark()
        self.x = "la"
        self.next(self.both)

    @step
    def lb(self):
        self.mark()
        self.x = "lb"
        self.next(self.lb2)

    @step
    def lb2(self):
        self.mark()
        self.next(self.both)

    @step
    def lc(self):
        self.mark()
        self.x = "lc"
        self.next(self.lb2)

    @step
    def right(self):
        self.mark()
        self.x = "right"
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
    SplitSwitchOpenFlow()
