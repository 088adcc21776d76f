"""Three outer items with three inner ones each, of different length and all asleep for a while."""

import time

from metaflow import Parameter, step
from tracing import TracedFlow


class SleepersFlow(TracedFlow):
    seconds = Parameter("seconds", default=1.0)

    @step
    def start(self):
        self.mark()
        self.outer = [0, 1, 2]
        self.next(self.each, foreach="outer")

    @step
    def each(self):
        self.mark()
        self.inner = [0, 1, 2]
        self.next(self.leaf, foreach="inner")

    @step
    def leaf(self):
        self.mark()
        time.sleep(self.seconds)
        self.next(self.inner_join)

    @step
    def inner_join(self, inputs):
        self.mark(inputs)
        self.next(self.outer_join)

    @step
    def outer_join(self, inputs):
        self.mark(inputs)
        self.next(self.end)

    @step
    def end(self):
        self.mark()


if __name__ == "__main__":
    SleepersFlow()
