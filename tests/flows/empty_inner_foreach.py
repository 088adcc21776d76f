"""An inner foreach over nothing for one of the items."""

from metaflow import step
from tracing import TracedFlow


class EmptyInnerForeachFlow(TracedFlow):
    @step
    def start(self):
        self.mark()
        self.items = [0]
        self.next(self.outer, foreach="items")

    @step
    def outer(self):
        self.mark()
        self.more = list(range(self.input))
        self.next(self.inner, foreach="more")

    @step
    def inner(self):
        self.mark()
        self.next(self.inner_join)

    @step
    def inner_join(self, inputs):
        self.mark(inputs)
        self.next(self.outer_join)

    @step
    def outer_join(self, inputs):
        self.mark(inputs)
        self.next(self.end)

    @step
    def end(self):
        self.mark()


if __name__ == "__main__":
    EmptyInnerForeachFlow()
