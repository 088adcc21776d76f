"""One branch of a switch goes straight to the end."""

from metaflow import Parameter, step
from tracing import TracedFlow


class SwitchToEndFlow(TracedFlow):
    route = Parameter("route", default="short")

    @step
    def start(self):
        self.mark()
        self.next(self.decide)

    @step
    def decide(self):
        self.mark()
        self.next({"short": self.end, "long": self.more}, condition="route")

    @step
    def more(self):
        self.mark()
        self.next(self.most)

    @step
    def most(self):
        self.mark()
        self.next(self.end)

    @step
    def end(self):
        self.mark()


if __name__ == "__main__":
    SwitchToEndFlow()
