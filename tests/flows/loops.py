"""Loops one after the other, the first leads straight into the second."""

from metaflow import step
from tracing import TracedFlow


class LoopsFlow(TracedFlow):
    @step
    def start(self):
        self.mark()
        self.count = 0
        self.next(self.first)

    @step
    def first(self):
        self.mark()
        self.count += 1
        self.more = self.count < 2
        self.next({True: self.first, False: self.second}, condition="more")

    @step
    def second(self):
        self.mark()
        self.count += 10
        self.go = "on" if self.count < 20 else "out"
        self.next({"on": self.second, "out": self.between}, condition="go")

    @step
    def between(self):
        self.mark()
        self.next(self.third)

    @step
    def third(self):
        self.mark()
        self.count += 100
        self.more = self.count < 200
        self.next({True: self.third, False: self.end}, condition="more")

    @step
    def end(self):
        self.mark()


if __name__ == "__main__":
    LoopsFlow()
