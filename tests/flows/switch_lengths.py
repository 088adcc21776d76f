"""Branches of a switch of different length."""

from metaflow import Parameter, step
from tracing import TracedFlow


class SwitchLengthsFlow(TracedFlow):
    route = Parameter("route", default="one")

    @step
    def start(self):
        self.mark()
        self.next(self.decide)

    @step
    def decide(self):
        self.mark()
        self.next({"one": self.one, "two": self.two_a, "three": self.three_a}, condition="route")

    @step
    def one(self):
        self.mark()
        self.next(self.merged)

    @step
    def two_a(self):
        self.mark()
        self.next(self.two_b)

    @step
    def two_b(self):
        self.mark()
        self.next(self.merged)

    @step
    def three_a(self):
        self.mark()
        self.next(self.three_b)

    @step
    def three_b(self):
        self.mark()
        self.next(self.three_c)

    @step
    def three_c(self):
        self.mark()
        self.next(self.merged)

    @step
    def merged(self):
        self.mark()
        self.next(self.end)

    @step
    def end(self):
        self.mark()


if __name__ == "__main__":
    SwitchLengthsFlow()
