"""A switch by numbers, one of them not whole."""

from metaflow import Parameter, step
from tracing import TracedFlow


class SwitchIntFlow(TracedFlow):
    route = Parameter("route", default=1)

    @step
    def start(self):
        self.mark()
        self.key = self.route / 2
        self.next(self.decide)

    @step
    def decide(self):
        self.mark()
        self.next({0: self.zero, 1: self.one, 0.5: self.half}, condition="key")

    @step
    def zero(self):
        self.mark()
        self.next(self.end)

    @step
    def one(self):
        self.mark()
        self.next(self.end)

    @step
    def half(self):
        self.mark()
        self.next(self.end)

    @step
    def end(self):
        self.mark()


if __name__ == "__main__":
    SwitchIntFlow()
