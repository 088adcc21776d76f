"""A foreach in a foreach, with different numbers of inner items."""

from metaflow import step
from tracing import TracedFlow


class Nested2Flow(TracedFlow):
    @step
    def start(self):
        self.mark()
        self.items = [2, 1, 3]
        self.next(self.outer, foreach="items")

    @step
    def outer(self):
        self.mark()
        self.more = [(self.input, k) for k in range(self.input)]
        self.next(self.inner, foreach="more")

    @step
    def inner(self):
        self.mark()
        self.x = self.input
        self.next(self.inner_join)

    @step
    def inner_join(self, inputs):
        self.mark(inputs)
        self.xs = [i.x for i in self.ordered(inputs)]
        self.next(self.outer_join)

    @step
    def outer_join(self, inputs):
        self.mark(inputs)
        self.xs = [i.xs for i in self.ordered(inputs)]
        self.next(self.end)

    @step
    def end(self):
        self.mark()


if __name__ == "__main__":
    Nested2Flow()
