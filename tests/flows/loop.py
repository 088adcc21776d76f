"""A step that runs again until it is done."""

from metaflow import Parameter, step
from tracing import TracedFlow


class LoopFlow(TracedFlow):
    times = Parameter("times", default=3)

    @step
    def start(self):
        self.mark()
        self.count = 0
        self.next(self.again)

    @step
    def again(self):
        self.mark()
        self.count += 1
        self.more = "yes" if self.count < self.times else "no"
        self.next({"yes": self.again, "no": self.after}, condition="more")

    @step
    def after(self):
        self.mark()
        self.next(self.end)

    @step
    def end(self):
        self.mark()


if __name__ == "__main__":
    LoopFlow()
