"""The step where branches of a switch merge opens a gang."""

from metaflow import Parameter, current, parallel, step
from tracing import TracedFlow


class MergeParallelFlow(TracedFlow):
    route = Parameter("route", default="a")

    @step
    def start(self):
        self.mark()
        self.next(self.decide)

    @step
    def decide(self):
        self.mark()
        self.next({"a": self.a, "b": self.b}, condition="route")

    @step
    def a(self):
        self.mark()
        self.next(self.merged)

    @step
    def b(self):
        self.mark()
        self.next(self.merged)

    @step
    def merged(self):
        self.mark()
        self.next(self.gang, num_parallel=2)

    @parallel
    @step
    def gang(self):
        self.mark()
        self.node = current.parallel.node_index
        self.next(self.gather)

    @step
    def gather(self, inputs):
        self.mark(inputs)
        self.nodes = [i.node for i in self.ordered(inputs)]
        self.next(self.end)

    @step
    def end(self):
        self.mark()


if __name__ == "__main__":
    MergeParallelFlow()
