"""In a foreach, a split with a foreach in one branch and a step in the other."""

from metaflow import step
from tracing import TracedFlow


class NestedSplitFlow(TracedFlow):
    @step
    def start(self):
        self.mark()
        self.items = [1, 2]
        self.next(self.outer, foreach="items")

    @step
    def outer(self):
        self.mark()
        self.x = self.input
        self.next(self.left, self.right)

    @step
    def left(self):
        self.mark()
        self.more = ["s"] * self.x
        self.next(self.leaf, foreach="more")

    @step
    def leaf(self):
        self.mark()
        self.y = (self.x, self.input, self.index)
        self.next(self.leaf_join)

    @step
    def leaf_join(self, inputs):
        self.mark(inputs)
        self.ys = [i.y for i in self.ordered(inputs)]
        self.next(self.both)

    @step
    def right(self):
        self.mark()
        self.ys = ["right"]
        self.next(self.both)

    @step
    def both(self, inputs):
        self.mark(inputs)
        self.ys = [i.ys for i in self.ordered(inputs)]
        self.next(self.outer_join)

    @step
    def outer_join(self, inputs):
        self.mark(inputs)
        self.ys = [i.ys for i in self.ordered(inputs)]
        self.next(self.end)

    @step
    def end(self):
        self.mark()


if __name__ == "__main__":
    NestedSplitFlow()
