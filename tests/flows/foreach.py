"""A foreach over so many items that their paths are handed to the join in a short form."""

from metaflow import step
from tracing import TracedFlow


class ForeachFlow(TracedFlow):
    @step
    def start(self):
        self.mark()
        self.items = [f"item {n}" for n in range(20)]
        self.next(self.body, foreach="items")

    @step
    def body(self):
        self.mark()
        self.result = (self.index, self.input.upper())
        self.next(self.gather)

    @step
    def gather(self, inputs):
        self.mark(inputs)
        self.results = [i.result for i in inputs]
        self.next(self.end)

    @step
    def end(self):
        self.mark()


if __name__ == "__main__":
    ForeachFlow()
