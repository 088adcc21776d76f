"""Inside a foreach each branch of a switch opens a foreach of its own."""

from metaflow import Parameter, step
from tracing import TracedFlow


class ForeachSwitchForeachFlow(TracedFlow):
    kinds = Parameter("kinds", default="aba")

    @step
    def start(self):
        self.mark()
        self.items = list(self.kinds)
        self.next(self.item, foreach="items")

    @step
    def item(self):
        self.mark()
        self.kind = self.input
        self.next({"a": self.a, "b": self.b}, condition="kind")

    @step
    def a(self):
        self.mark()
        self.more = [1, 2]
        self.next(self.a_leaf, foreach="more")

    @step
    def a_leaf(self):
        self.mark()
        self.x = self.input
        self.next(self.a_join)

    @step
    def a_join(self, inputs):
        self.mark(inputs)
        self.x = [i.x for i in self.ordered(inputs)]
        self.next(self.merged)

    @step
    def b(self):
        self.mark()
        self.more = ["s"]
        self.next(self.b_leaf, foreach="more")

    @step
    def b_leaf(self):
        self.mark()
        self.x = self.input
        self.next(self.b_join)

    @step
    def b_join(self, inputs):
        self.mark(inputs)
        self.x = [i.x for i in self.ordered(inputs)]
        self.next(self.merged)

    @step
    def merged(self):
        self.mark()
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
    ForeachSwitchForeachFlow()
