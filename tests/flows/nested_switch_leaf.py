"""A switch in the body of the inner of two foreaches, and another in the outer after it."""

from metaflow import step
from tracing import TracedFlow


class NestedSwitchLeafFlow(TracedFlow):
    @step
    def start(self):
        self.mark()
        self.items = [1, 2, 3]
        self.next(self.outer, foreach="items")

    @step
    def outer(self):
        self.mark()
        self.more = list(range(self.input))
        self.next(self.inner, foreach="more")

    @step
    def inner(self):
        self.mark()
        self.kind = "odd" if self.input % 2 else "even"
        self.next({"even": self.even, "odd": self.odd}, condition="kind")

    @step
    def even(self):
        self.mark()
        self.x = "even"
        self.next(self.leaf)

    @step
    def odd(self):
        self.mark()
        self.x = "odd"
        self.next(self.leaf)

    @step
    def leaf(self):
        self.mark()
        self.x = (self.x, self.input)
        self.next(self.inner_join)

    @step
    def inner_join(self, inputs):
        self.mark(inputs)
        self.x = [i.x for i in self.ordered(inputs)]
        self.next(self.check)

    @step
    def check(self):
        self.mark()
        self.size = "big" if len(self.x) > 2 else "small"
        self.next({"big": self.big, "small": self.outer_last}, condition="size")

    @step
    def big(self):
        self.mark()
        self.next(self.outer_last)

    @step
    def outer_last(self):
        self.mark()
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
    NestedSwitchLeafFlow()
