"""A loop in a branch of a switch, and one that a branch enters directly."""

from metaflow import Parameter, step
from tracing import TracedFlow


class SwitchLoopFlow(TracedFlow):
    route = Parameter("route", default="loop")

    @step
    def start(self):
        self.mark()
        self.count = 0
        self.next(
            {"loop": self.prepare, "direct": self.again, "past": self.past}, condition="route"
        )

    @step
    def prepare(self):
        self.mark()
        self.count = -1
        self.next(self.again)

    @step
    def again(self):
        self.mark()
        self.count += 1
        self.more = self.count < 2
        self.next({True: self.again, False: self.merged}, condition="more")

    @step
    def past(self):
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
    SwitchLoopFlow()
