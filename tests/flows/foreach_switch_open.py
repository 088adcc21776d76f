"""A switch inside a foreach whose branches each lead to the join."""

from metaflow import Parameter, step
from tracing import TracedFlow


class ForeachSwitchOpenFlow(TracedFlow):
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
        self.y = ("a", self.index)
        self.next(self.gather)

    @step
    def b(self):
        self.mark()
        self.y = ("b", self.index)
        self.next(self.b_more)

    @step
    def b_more(self):
        self.mark()
        self.next(self.gather)

    @step
    def gather(self, inputs):
        self.mark(inputs)
        self.y = [i.y for i in self.ordered(inputs)]
        self.next(self.end)

    @step
    def end(self):
        self.mark()


if __name__ == "__main__":
    ForeachSwitchOpenFlow()
