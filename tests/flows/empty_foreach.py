"""A foreach over nothing, which Metaflow refuses at run time."""

from metaflow import step
from tracing import TracedFlow


class EmptyForeachFlow(TracedFlow):
    @step
    def start(self):
        self.mark()
        self.items = []
        self.next(self.split)

    @step
    def split(self):
        self.mark()
        self.next(self.body, foreach="items")

    @step
    def body(self):
        self.mark()
        self.next(self.gather)

    @step
    def gather(self, inputs):
        self.mark(inputs)
        self.next(self.end)

    @step
    def end(self):
        self.mark()


if __name__ == "__main__":
    EmptyForeachFlow()
