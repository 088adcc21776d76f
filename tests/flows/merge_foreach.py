"""The step where branches of a switch merge opens a foreach."""

from metaflow import Parameter, step
from tracing import TracedFlow


class MergeForeachFlow(TracedFlow):
    route = Parameter("route", default="a")

    @step
    def start(self):
        self.mark()
        self.next(self.decide)

    @step
    def decide(self):
        self.mark()
        self.next({"a": self.a, "b": self.b}, condition="route")

    @step
    def a(self):
        self.mark()
        self.n = 2
        self.next(self.merged)

    @step
    def b(self):
        self.mark()
        self.n = 3
        self.next(self.merged)

    @step
    def merged(self):
        self.mark()
        self.items = list(range(self.n))
        self.next(self.body, foreach="items")

    @step
    def body(self):
        self.mark()
        self.x = self.input
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
    MergeForeachFlow()
