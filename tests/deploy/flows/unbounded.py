"""An unbounded foreach for each item of a foreach; fails after it while a file is there."""

import os

from metaflow import FlowSpec, step, unbounded_test_foreach_internal
from metaflow.plugins import InternalTestUnboundedForeachInput as Unbounded


class Unboundeds(FlowSpec):
    @step
    def start(self):
        self.items = [1, 2]
        self.next(self.item, foreach="items")

    @step
    def item(self):
        self.numbers = Unbounded(list(range(self.input)))
        self.next(self.number, foreach="numbers")

    @unbounded_test_foreach_internal
    @step
    def number(self):
        self.found = self.input
        self.next(self.number_join)

    @step
    def number_join(self, inputs):
        self.found = [i.found for i in inputs]
        if os.path.exists("fail-join"):
            raise Exception("fail-join is there")
        self.next(self.item_join)

    @step
    def item_join(self, inputs):
        self.found = [i.found for i in inputs]
        self.next(self.end)

    @step
    def end(self):
        pass


if __name__ == "__main__":
    Unboundeds()
