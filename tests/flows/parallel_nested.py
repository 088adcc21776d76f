"""A gang in a foreach in a foreach."""

from metaflow import current, parallel, step
from tracing import TracedFlow


class ParallelNestedFlow(TracedFlow):
    @step
    def start(self):
        self.mark()
        self.items = [1, 2]
        self.next(self.outer, foreach="items")

    @step
    def outer(self):
        self.mark()
        self.more = list(range(self.input))
        self.next(self.inner, foreach="more")

    @step
    def inner(self):
        self.mark()
        self.next(self.gang, num_parallel=2)

    @parallel
    @step
    def gang(self):
        self.mark()
        self.node = current.parallel.node_index
        self.next(self.gang_join)

    @step
    def gang_join(self, inputs):
        self.mark(inputs)
        self.nodes = [i.node for i in self.ordered(inputs)]
        self.next(self.inner_join)

    @step
    def inner_join(self, inputs):
        self.mark(inputs)
        self.nodes = [i.nodes for i in self.ordered(inputs)]
        self.next(self.outer_join)

    @step
    def outer_join(self, inputs):
        self.mark(inputs)
        self.nodes = [i.nodes for i in self.ordered(inputs)]
        self.next(self.end)

    @step
    def end(self):
        self.mark()


if __name__ == "__main__":
    ParallelNestedFlow()
