"""In a foreach, a switch decides whether an item runs as a gang."""

from metaflow import current, parallel, step
from tracing import TracedFlow


class ParallelForeachSwitchFlow(TracedFlow):
    @step
    def start(self):
        self.mark()
        self.items = [1, 2, 3]
        self.next(self.item, foreach="items")

    @step
    def item(self):
        self.mark()
        self.kind = "alone" if self.input == 2 else "gang"
        self.next({"gang": self.many, "alone": self.alone}, condition="kind")

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
    ParallelForeachSwitchFlow()
