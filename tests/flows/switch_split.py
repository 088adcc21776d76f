"""A split in one branch of a switch."""

from metaflow import Parameter, step
from tracing import TracedFlow


class SwitchSplitFlow(TracedFlow):
    route = Parameter("route", default="split")

    @step
    def start(self):
        self.mark()
        self.next(self.decide)

    @step
    def decide(self):
        self.mark()
        self.next({"split": self.wide, "single": self.single}, condition="route")

    @step
    def wide(self):
        self.mark()
        self.next(self.left, self.right)

    @step
    def left(self):
        self.mark()
        self.x = "l"
        self.next(self.both)

    @step
    def right(self):
        self.mark()
        self.x = "r"
        self.next(self.both)

    @step
    def both(self, inputs):
        self.mark(inputs)
        self.x = [i.x for i in self.ordered(inputs)]
        self.next(self.merged)

    @step
    def single(self):
        self.mark()
        self.x = []
        self.next(self.merged)

    @step
    def merged(self):
        self.mark()
        self.next(self.end)

    @step
    def end(self):
        self.mark()


if __name__ == "__main__":
    SwitchSplitFlow()
