"""In a foreach, a split with a foreach in both branches, the inner one split again."""

from metaflow import step
from tracing import TracedFlow


class NestedTwoForeachesFlow(TracedFlow):
    @step
    def start(self):
        self.mark()
        self.items = ["A", "B"]
        self.next(self.outer, foreach="items")

    @step
    def outer(self):
        self.mark()
        self.next(self.left, self.right)

    @step
    def left(self):
        self.mark()
        self.more = [1, 2]
        self.next(self.l_leaf, foreach="more")

    @step
    def l_leaf(self):
        self.mark()
        self.next(self.l1, self.l2)

    @step
    def l1(self):
        self.mark()
        self.x = self.input + 10
        self.next(self.lj)

    @step
    def l2(self):
        self.mark()
        self.x = self.input + 20
        self.next(self.lj)

    @step
    def lj(self, inputs):
        self.mark(inputs)
        self.x = [i.x for i in self.ordered(inputs)]
        self.next(self.l_join)

    @step
    def l_join(self, inputs):
        self.mark(inputs)
        self.x = [i.x for i in self.ordered(inputs)]
        self.next(self.both)

    @step
    def right(self):
        self.mark()
        self.more = ["q"]
        self.next(self.r_leaf, foreach="more")

    @step
    def r_leaf(self):
        self.mark()
        self.x = self.input
        self.next(self.r_join)

    @step
    def r_join(self, inputs):
        self.mark(inputs)
        self.x = [i.x for i in self.ordered(inputs)]
        self.next(self.both)

    @step
    def both(self, inputs):
        self.mark(inputs)
        self.x = [i.x for i in self.ordered(inputs)]
        self.next(self.outer_join)

    @step
    def outer_join(self, inputs):
        self.mark(inputs)
        self.x = [i.x for i in self.ordered(inputs)]
        self.next(self.end)

    @step
    def end(self):
        self.mark()


if __name__ == "__main__":
    NestedTwoForeachesFlow()
