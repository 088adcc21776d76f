"""A loop with several ways out, one of them straight to the merge."""

from metaflow import Parameter, step
from tracing import TracedFlow


class LoopExitsFlow(TracedFlow):
    way = Parameter("way", default="a")

    @step
    def start(self):
        self.mark()
        self.count = 0
        self.next(self.again)

    @step
    def again(self):
        self.mark()
        self.count += 1
        self.go = self.way if self.count == 2 else "on"
        self.next({"on": self.again, "a": self.a, "b": self.b, "m": self.merged}, condition="go")

    @step
    def a(self):
        self.mark()
        self.next(self.merged)

    @step
    def b(self):
        self.mark()
        self.next(self.b_more)

    @step
    def b_more(self):
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
    LoopExitsFlow()
