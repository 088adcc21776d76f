"""A loop in a branch of a split."""

from metaflow import step
from tracing import TracedFlow


class SplitLoopFlow(TracedFlow):
    @step
    def start(self):
        self.mark()
        self.count = 0
        self.next(self.a, self.b)

    @step
    def a(self):
        self.mark()
        self.next(self.again)

    @step
    def again(self):
        self.mark()
        self.count += 1
        self.more = self.count < 3
        self.next({True: self.again, False: self.a_after}, condition="more")

    @step
    def a_after(self):
        self.mark()
        self.next(self.both)

    @step
    def b(self):
        self.mark()
        self.next(self.both)

    @step
    def both(self, inputs):
        self.mark(inputs)
        self.counts = [i.count for i in self.ordered(inputs)]
        self.next(self.end)

    @step
    def end(self):
        self.mark()


if __name__ == "__main__":
    SplitLoopFlow()
