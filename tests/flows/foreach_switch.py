"""A switch inside a foreach; the branches merge before the join."""

from metaflow import Parameter, step
from tracing import TracedFlow


class ForeachSwitchFlow(TracedFlow):
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
        self.next({"a": self.a, "b": self.b, "c": self.c}, condition="kind")

    @step
    def a(self):
        self.mark()
        self.x = "a"
        self.next(self.merged)

    @step
    def b(self):
        self.mark()
        self.x = "b"
        self.next(self.merged)

    @step
    def c(self):
        self.mark()
        self.x = "c"
        self.next(self.merged)

    @step
    def merged(self):
        self.mark()
        self.y = (self.x, self.index)
        self.next(self.more)

    @step
    def more(self):
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
    ForeachSwitchFlow()
