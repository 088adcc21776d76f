"""The first step is a switch."""

from metaflow import Parameter, step
from tracing import TracedFlow


class SwitchStartFlow(TracedFlow):
    route = Parameter("route", default="a")

    @step
    def start(self):
        self.mark()
        self.key = self.route
        self.next({"a": self.a, "b": self.b}, condition="key")

    @step
    def a(self):
        self.mark()
        self.next(self.end)

    @step
    def b(self):
        self.mark()
        self.next(self.c)

    @step
    def c(self):
        self.mark()
        self.next(self.end)

    @step
    def end(self):
        self.mark()


if __name__ == "__main__":
    SwitchStartFlow()
