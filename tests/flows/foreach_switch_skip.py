"""Skip-merge inside a foreach, one item for each way."""

from metaflow import Parameter, step
from tracing import TracedFlow


class ForeachSwitchSkipFlow(TracedFlow):
    kinds = Parameter("kinds", default="xyz")

    @step
    def start(self):
        self.mark()
        self.items = list(self.kinds)
        self.next(self.item, foreach="items")

    @step
    def item(self):
        self.mark()
        self.kind = self.input
        self.way = ["item"]
        self.next({"x": self.a, "y": self.b, "z": self.m}, condition="kind")

    @step
    def a(self):
        self.mark()
        self.way = [*self.way, "a"]
        self.next(self.b)

    @step
    def b(self):
        self.mark()
        self.way = [*self.way, "b"]
        self.next(self.m)

    @step
    def m(self):
        self.mark()
        self.way = [*self.way, "m"]
        self.next(self.gather)

    @step
    def gather(self, inputs):
        self.mark(inputs)
        self.ways = [i.way for i in self.ordered(inputs)]
        self.next(self.end)

    @step
    def end(self):
        self.mark()


if __name__ == "__main__":
    ForeachSwitchSkipFlow()
