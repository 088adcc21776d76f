"""A foreach with one step in its body, over a dozen items."""

from metaflow import step
from tracing import TracedFlow


class ForeachFlow(TracedFlow):
    @step
    def start(self):
        self.mark()
        self.items = [f"item {n}" for n in range(12)]
        self.next(self.body, foreach="items")

    @step
    def body(self):
        self.mark()
        self.result = (self.index, self.input.upper())
        self.next(self.gather)

    @step
    def gather(self, inputs):
        self.mark(inputs)
        self.results = [i.result for i in self.ordered(inputs)]
        self.next(self.end)

    @step
    def end(self):
        self.mark()


if __name__ == "__main__":
    ForeachFlow()
