"""Branches of different length."""

from metaflow import step
from tracing import TracedFlow


class SplitUnevenFlow(TracedFlow):
    @step
    def start(self):
        self.mark()
        self.next(self.long1, self.short)

    @step
    def long1(self):
        self.mark()
        self.a = 1
        self.next(self.long2)

    @step
    def long2(self):
        self.mark()
        self.b = self.a + 1
        self.next(self.long3)

    @step
    def long3(self):
        self.mark()
        self.c = self.b + 1
        self.next(self.after)

    @step
    def short(self):
        self.mark()
        self.d = 4
        self.next(self.after)

    @step
    def after(self, inputs):
        self.mark(inputs)
        self.merge_artifacts(inputs, exclude=["trace"])
        self.next(self.end)

    @step
    def end(self):
        self.mark()


if __name__ == "__main__":
    SplitUnevenFlow()
