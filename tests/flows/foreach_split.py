"""A split in the body of a foreach."""

from metaflow import step
from tracing import TracedFlow


class ForeachSplitFlow(TracedFlow):
    @step
    def start(self):
        self.mark()
        self.items = [10, 20]
        self.next(self.body, foreach="items")

    @step
    def body(self):
        self.mark()
        self.base = self.input
        self.next(self.left, self.right)

    @step
    def left(self):
        self.mark()
        self.x = self.base + 1
        self.next(self.both)

    @step
    def right(self):
        self.mark()
        self.x = self.base + 2
        self.next(self.both)

    @step
    def both(self, inputs):
        self.mark(inputs)
        self.xs = [i.x for i in self.ordered(inputs)]
        self.merge_artifacts(inputs, include=["base", "items"])
        self.next(self.after)

    @step
    def after(self):
        self.mark()
        self.xs.append(self.input)
        self.next(self.gather)

    @step
    def gather(self, inputs):
        self.mark(inputs)
        self.all = [i.xs for i in self.ordered(inputs)]
        self.next(self.end)

    @step
    def end(self):
        self.mark()


if __name__ == "__main__":
    ForeachSplitFlow()
