"""Nested switches inside a foreach, an inner target shared with the outer switch."""

from metaflow import step
from tracing import TracedFlow


class ForeachSwitchNestedFlow(TracedFlow):
    @step
    def start(self):
        self.mark()
        self.items = ["px", "py", "q", "r", "pz"]
        self.next(self.item, foreach="items")

    @step
    def item(self):
        self.mark()
        self.kind = self.input[0]
        self.next({"p": self.p, "q": self.shared, "r": self.r}, condition="kind")

    @step
    def p(self):
        self.mark()
        self.inner = self.input[1]
        self.next({"x": self.x, "y": self.shared, "z": self.merged}, condition="inner")

    @step
    def x(self):
        self.mark()
        self.way = "x"
        self.next(self.merged)

    @step
    def shared(self):
        self.mark()
        self.way = "shared"
        self.next(self.merged)

    @step
    def r(self):
        self.mark()
        self.way = "r"
        self.next(self.merged)

    @step
    def merged(self):
        self.mark()
        self.way = getattr(self, "way", "none")
        self.next(self.gather)

    @step
    def gather(self, inputs):
        self.mark(inputs)
        self.way = [i.way for i in self.ordered(inputs)]
        self.next(self.end)

    @step
    def end(self):
        self.mark()


if __name__ == "__main__":
    ForeachSwitchNestedFlow()
