"""A gang of three parallel tasks."""

from metaflow import current, parallel, step
from tracing import TracedFlow


class ParallelFlow(TracedFlow):
    @step
    def start(self):
        self.mark()
        self.before = "b"
        self.next(self.gang, num_parallel=3)

    @parallel
    @step
    def gang(self):
        self.mark()
        self.node = (current.parallel.node_index, current.parallel.num_nodes)
        self.place = self.input
        self.next(self.gather)

    @step
    def gather(self, inputs):
        self.mark(inputs)
        self.nodes = [i.node for i in self.ordered(inputs)]
        self.places = [i.place for i in self.ordered(inputs)]
        self.next(self.end)

    @step
    def end(self):
        self.mark()


if __name__ == "__main__":
    ParallelFlow()
