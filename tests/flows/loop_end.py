"""A loop that leads straight to the end."""

from metaflow import step
from tracing import TracedFlow


class LoopEndFlow(TracedFlow):
    @step
    def start(self):
        self.mark()
        self.count = 0
        self.next(self.again)

    @step
    def again(self):
        self.mark()
        self.count += 1
        self.more = self.count < 2
        self.next({True: self.again, False: self.end}, condition="more")

    @step
    def end(self):
        self.mark()


if __name__ == "__main__":
    LoopEndFlow()
