"""A bit of everything, for each way to run a job: foreaches, a switch, a loop, a gang."""

from metaflow import Parameter, current, parallel, step
from tracing import TracedFlow


class EnginesFlow(TracedFlow):
    size = Parameter("size", default=2)

    @step
    def start(self):
        self.mark()
        self.next(self.a, self.b)

    @step
    def a(self):
        self.mark()
        self.items = list(range(self.size))
        self.next(self.outer, foreach="items")

    @step
    def outer(self):
        self.mark()
        self.more = ["x", "y"][: self.input + 1]
        self.next(self.inner, foreach="more")

    @step
    def inner(self):
        self.mark()
        self.kind = self.input
        self.count = 0
        self.next({"x": self.again, "y": self.leaf}, condition="kind")

    @step
    def again(self):
        self.mark()
        self.count += 1
        self.more_rounds = self.count < 2
        self.next({True: self.again, False: self.leaf}, condition="more_rounds")

    @step
    def leaf(self):
        self.mark()
        self.next(self.inner_join)

    @step
    def inner_join(self, inputs):
        self.mark(inputs)
        self.counts = [i.count for i in self.ordered(inputs)]
        self.next(self.outer_join)

    @step
    def outer_join(self, inputs):
        self.mark(inputs)
        self.counts = [i.counts for i in self.ordered(inputs)]
        self.next(self.both)

    @step
    def b(self):
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
        self.counts = [i.node for i in inputs]
        self.next(self.both)

    @step
    def both(self, inputs):
        self.mark(inputs)
        self.counts = [i.counts for i in self.ordered(inputs)]
        self.next(self.decide)

    @step
    def decide(self):
        self.mark()
        self.next({1: self.end, 2: self.last}, condition="size")

    @step
    def last(self):
        self.mark()
        self.next(self.end)

    @step
    def end(self):
        self.mark()


if __name__ == "__main__":
    EnginesFlow()
