"""In a foreach, a split whose branches hold switches with open ways to the join."""

from metaflow import step
from tracing import TracedFlow


class ForeachSplitSwitchFlow(TracedFlow):
    @step
    def start(self):
        self.mark()
        self.items = ["ax", "by", "ay"]
        self.next(self.item, foreach="items")

    @step
    def item(self):
        self.mark()
        self.next(self.left, self.right)

    @step
    def left(self):
        self.mark()
        self.k = self.input[0]
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
        self.k = self.input[1]
        self.next({"x": self.rx, "y": self.ry}, condition="k")

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
        self.next(self.gather)

    @step
    def gather(self, inputs):
        self.mark(inputs)
        self.x = [i.x for i in self.ordered(inputs)]
        self.next(self.end)

    @step
    def end(self):
        self.mark()


if __name__ == "__main__":
    ForeachSplitSwitchFlow()
