"""A switch between two foreach steps that share one body."""

from metaflow import Parameter, step
from tracing import TracedFlow


class ForeachSameBodyFlow(TracedFlow):
    route = Parameter("route", default="one")

    @step
    def start(self):
        self.mark()
        self.next({"one": self.one, "two": self.two}, condition="route")

    @step
    def one(self):
        self.mark()
        self.letters = ["a", "b"]
        self.next(self.item, foreach="letters")

    @step
    def two(self):
        self.mark()
        self.numbers = [1, 2, 3]
        self.next(self.item, foreach="numbers")

    @step
    def item(self):
        self.mark()
        self.x = self.input
        self.next(self.more)

    @step
    def more(self):
        self.mark()
        self.next(self.gather)

    @step
    def gather(self, inputs):
        self.mark(inputs)
        self.x = [i.x for i in inputs]
        self.next(self.end)

    @step
    def end(self):
        self.mark()


if __name__ == "__main__":
    ForeachSameBodyFlow()
