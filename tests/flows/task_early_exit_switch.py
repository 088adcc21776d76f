"""Processes that end with code 0 before their task is done, around a switch in a foreach."""

import sys

from metaflow import Parameter, current, step
from tracing import TracedFlow


class TaskEarlyExitSwitchFlow(TracedFlow):
    where = Parameter("where", default="")

    def come_to(self, inputs=None):
        self.mark(inputs)
        if current.step_name == self.where:
            sys.exit(0)

    @step
    def start(self):
        self.items = ["left"]
        self.next(self.decide, foreach="items")

    @step
    def decide(self):
        self.way = self.input
        self.come_to()
        self.next({"left": self.left, "right": self.right}, condition="way")

    @step
    def left(self):
        self.come_to()
        self.next(self.merge)

    @step
    def right(self):
        self.next(self.merge)

    @step
    def merge(self):
        self.come_to()
        self.next(self.join)

    @step
    def join(self, inputs):
        self.mark(inputs)
        self.next(self.end)

    @step
    def end(self):
        pass


if __name__ == "__main__":
    TaskEarlyExitSwitchFlow()
