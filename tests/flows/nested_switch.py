"""Foreach, switch and foreach in each other: only some items open the inner foreach."""

from metaflow import step
from tracing import TracedFlow


class NestedSwitchFlow(TracedFlow):
    @step
    def start(self):
        self.mark()
        self.items = [0, 1, 2]
        self.next(self.outer, foreach="items")

    @step
    def outer(self):
        self.mark()
        self.kind = "few" if self.input == 1 else "many"
        self.next({"many": self.many, "few": self.few}, condition="kind")

    @step
    def many(self):
        self.mark()
        self.more = list(range(self.input + 1))
        self.next(self.leaf, foreach="more")

    @step
    def leaf(self):
        self.mark()
        self.x = (self.input, self.index)
        self.next(self.leaf_join)

    @step
    def leaf_join(self, inputs):
        self.mark(inputs)
        self.x = [i.x for i in self.ordered(inputs)]
        self.next(self.merged)

    @step
    def few(self):
        self.mark()
        self.x = "few"
        self.next(self.merged)

    @step
    def merged(self):
        self.mark()
        self.y = self.x
        self.next(self.outer_join)

    @step
    def outer_join(self, inputs):
        self.mark(inputs)
        self.x = [i.y for i in self.ordered(inputs)]
        self.next(self.end)

    @step
    def end(self):
        self.mark()


if __name__ == "__main__":
    NestedSwitchFlow()
