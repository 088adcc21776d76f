"""A switch between two splits that lead to the same branches."""

from metaflow import Parameter, step
from tracing import TracedFlow


class SplitSameBranchesFlow(TracedFlow):
    route = Parameter("route", default="one")

    @step
    def start(self):
        self.mark()
        self.next({"one": self.one, "two": self.two}, condition="route")

    @step
    def one(self):
        self.mark()
        self.via = 1
        self.next(self.a, self.b)

    @step
    def two(self):
        self.mark()
        self.via = 2
        self.next(self.b, self.a)

    @step
    def a(self):
        self.mark()
        self.next(self.both)

    @step
    def b(self):
        self.mark()
        self.next(self.both)

    @step
    def both(self, inputs):
        self.mark(inputs)
        self.via = [i.via for i in self.ordered(inputs)]
        self.next(self.end)

    @step
    def end(self):
        self.mark()


if __name__ == "__main__":
    SplitSameBranchesFlow()
