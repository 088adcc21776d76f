"""Gangs in both branches of a split, of two and of one."""

from metaflow import current, parallel, step
from tracing import TracedFlow


class ParallelSplitFlow(TracedFlow):
    @step
    def start(self):
        self.mark()
        self.next(self.a, self.b)

    @step
    def a(self):
        self.mark()
        self.next(self.gang_a, num_parallel=2)

    @parallel
    @step
    def gang_a(self):
        self.mark()
        self.node = current.parallel.node_index
        self.next(self.join_a)

    @step
    def join_a(self, inputs):
        self.mark(inputs)
        self.nodes = [i.node for i in self.ordered(inputs)]
        self.next(self.both)

    @step
    def b(self):
        self.mark()
        self.next(self.gang_b, num_parallel=1)

    @parallel
    @step
    def gang_b(self):
        self.mark()
        self.node = current.parallel.node_index
        self.next(self.join_b)

    @step
    def join_b(self, inputs):
        self.mark(inputs)
        self.nodes = [i.node for i in self.ordered(inputs)]
        self.next(self.both)

    @step
    def both(self, inputs):
        self.mark(inputs)
        self.nodes = [i.nodes for i in self.ordered(inputs)]
        self.next(self.end)

    @step
    def end(self):
        self.mark()


if __name__ == "__main__":
    ParallelSplitFlow()
