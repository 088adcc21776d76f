"""A gang for each item of a foreach."""

from metaflow import current, parallel, step
from tracing import TracedFlow


class ParallelForeachFlow(TracedFlow):
    @step
    def start(self):
        self.mark()
        self.items = ["a", "b"]
        self.next(self.item, foreach="items")

    @step
    def item(self):
        self.mark()
        self.letter = self.input
        self.next(self.gang, num_parallel=2)

    @parallel
    @step
    def gang(self):
        self.mark()
        self.node = (self.letter, current.parallel.node_index)
        self.next(self.gang_join)

    @step
    def gang_join(self, inputs):
        self.mark(inputs)
        self.nodes = [i.node for i in self.ordered(inputs)]
        self.next(self.after)

    @step
    def after(self):
        self.mark()
        self.next(self.item_join)

    @step
    def item_join(self, inputs):
        self.mark(inputs)
        self.nodes = [i.nodes for i in self.ordered(inputs)]
        self.next(self.end)

    @step
    def end(self):
        self.mark()


if __name__ == "__main__":
    ParallelForeachFlow()
