"""A loop that leads into a foreach, whose items loop in turn."""

from metaflow import step
from tracing import TracedFlow


class LoopForeachFlow(TracedFlow):
    @step
    def start(self):
        self.mark()
        self.items = []
        self.next(self.again)

    @step
    def again(self):
        self.mark()
        self.items = [*self.items, len(self.items)]
        self.more = len(self.items) < 2
        self.next({True: self.again, False: self.fan}, condition="more")

    @step
    def fan(self):
        self.mark()
        self.next(self.item, foreach="items")

    @step
    def item(self):
        self.mark()
        self.count = 0
        self.next(self.inner_again)

    @step
    def inner_again(self):
        self.mark()
        self.count += 1
        self.more = self.count <= self.input
        self.next({True: self.inner_again, False: self.leaf}, condition="more")

    @step
    def leaf(self):
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
    LoopForeachFlow()
