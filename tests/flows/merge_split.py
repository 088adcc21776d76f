"""The step where branches of a switch merge is a split itself."""

from metaflow import Parameter, step
from tracing import TracedFlow


class MergeSplitFlow(TracedFlow):
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
        self.x = "a"
        self.next(self.merged)

    @step
    def b(self):
        self.mark()
        self.x = "b"
        self.next(self.merged)

    @step
    def merged(self):
        self.mark()
        self.next(self.left, self.right)

    @step
    def left(self):
        self.mark()
        self.next(self.both)

    @step
    def right(self):
        self.mark()
        self.next(self.both)

    @step
    def both(self, inputs):
        self.mark(inputs)
        self.x = [i.x for i in self.ordered(inputs)]
        self.next(self.end)

    @step
    def end(self):
        self.mark()


if __name__ == "__main__":
    MergeSplitFlow()
