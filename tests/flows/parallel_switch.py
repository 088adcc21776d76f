"""A gang in one branch of a switch."""

from metaflow import Parameter, current, parallel, step
from tracing import TracedFlow


class ParallelSwitchFlow(TracedFlow):
    route = Parameter("route", default="gang")

    @step
    def start(self):
        self.mark()
        self.next({"gang": self.many, "alone": self.alone}, condition="route")

    @step
    def many(self):
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
        self.next(self.merged)

    @step
    def alone(self):
        self.mark()
        self.nodes = []
        self.next(self.merged)

    @step
    def merged(self):
        self.mark()
        self.next(self.end)

    @step
    def end(self):
        self.mark()


if __name__ == "__main__":
    ParallelSwitchFlow()
