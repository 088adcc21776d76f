"""One branch of a switch goes straight to the step where the others merge."""

from metaflow import Parameter, step
from tracing import TracedFlow


class SwitchToMergeFlow(TracedFlow):
    route = Parameter("route", default="direct")

    @step
    def start(self):
        self.mark()
        self.next(self.decide)

    @step
    def decide(self):
        self.mark()
        self.next({"direct": self.merged, "a": self.a, "b": self.b}, condition="route")

    @step
    def a(self):
        self.mark()
        self.x = "a"
        self.next(self.merged)

    @step
    def b(self):
        self.mark()
        self.x = "b"
        self.next(self.merged)

    @step
    def merged(self):
        self.mark()
        self.x = getattr(self, "x", "none")
        self.next(self.end)

    @step
    def end(self):
        self.mark()


if __name__ == "__main__":
    SwitchToMergeFlow()
