"""A foreach with several steps in its body."""

from metaflow import step
from tracing import TracedFlow


class ForeachBodyFlow(TracedFlow):
    @step
    def start(self):
        self.mark()
        self.items = ["x", "y", "z"]
        self.next(self.one, foreach="items")

    @step
    def one(self):
        self.mark()
        self.seen = [self.input]
        self.next(self.two)

    @step
    def two(self):
        self.mark()
        self.seen = [*self.seen, self.index]
        self.next(self.three)

    @step
    def three(self):
        self.mark()
        self.seen = [*self.seen, self.input]
        self.next(self.gather)

    @step
    def gather(self, inputs):
        self.mark(inputs)
        self.all = [i.seen for i in self.ordered(inputs)]
        self.next(self.end)

    @step
    def end(self):
        self.mark()


if __name__ == "__main__":
    ForeachBodyFlow()
