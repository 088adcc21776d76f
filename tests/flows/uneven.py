"""The first item of a foreach takes its time, before an inner foreach and before a merge."""

import time

from metaflow import FlowSpec, Parameter, step


class UnevenFlow(FlowSpec):
    seconds = Parameter("seconds", default=0.0)

    @step
    def start(self):
        self.items = [0, 1]
        self.next(self.outer, foreach="items")

    @step
    def outer(self):
        if self.input == 0:
            time.sleep(self.seconds)
        self.more = [0, 1]
        self.next(self.inner, foreach="more")

    @step
    def inner(self):
        self.next(self.inner_join)

    @step
    def inner_join(self, inputs):
        self.count = len(list(inputs))
        self.next(self.outer_join)

    @step
    def outer_join(self, inputs):
        self.counts = [i.count for i in inputs]
        self.next(self.between)

    @step
    def between(self):
        self.kinds = ["slow", "quick"]
        self.next(self.choose, foreach="kinds")

    @step
    def choose(self):
        self.kind = self.input
        self.next({"slow": self.slow, "quick": self.quick}, condition="kind")

    @step
    def slow(self):
        time.sleep(self.seconds)
        self.next(self.merged)

    @step
    def quick(self):
        self.next(self.merged)

    @step
    def merged(self):
        self.next(self.last_join)

    @step
    def last_join(self, inputs):
        self.seen = [i.kind for i in inputs]
        self.next(self.end)

    @step
    def end(self):
        pass


if __name__ == "__main__":
    UnevenFlow()
