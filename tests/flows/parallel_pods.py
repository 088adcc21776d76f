"""A gang in pods: a job set."""

from metaflow import current, kubernetes, parallel, step
from tracing import TracedFlow


class ParallelPodsFlow(TracedFlow):
    @step
    def start(self):
        self.mark()
        self.next(self.gang, num_parallel=3)

    @kubernetes
    @parallel
    @step
    def gang(self):
        self.mark()
        self.seen = [current.parallel.node_index, current.parallel.num_nodes]
        self.next(self.join)

    @step
    def join(self, inputs):
        self.mark(inputs)
        self.seen = sorted(i.seen for i in inputs)
        self.next(self.end)

    @step
    def end(self):
        self.mark()


if __name__ == "__main__":
    ParallelPodsFlow()
