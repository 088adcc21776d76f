"""A loop in a foreach, each item with its own number of rounds."""

from metaflow import step
from tracing import TracedFlow


class ForeachLoopFlow(TracedFlow):
    @step
    def start(self):
        self.mark()
        self.items = [1, 3, 2]
        self.next(self.item, foreach="items")

    @step
    def item(self):
        self.mark()
        self.count = 0
        self.next(self.again)

    @step
    def again(self):
        self.mark()
        self.count += 1
        self.more = self.count < self.input
        self.next({True: self.again, False: self.after}, condition="more")

    @step
    def after(self):
        self.mark()
        self.next(self.gather)

    @step
    def gather(self, inputs):
        self.mark(inputs)
        self.counts = [i.count for i in self.ordered(inputs)]
        self.next(self.end)

    @step
    def end(self):
        self.mark()


if __name__ == "__main__":
    ForeachLoopFlow()
