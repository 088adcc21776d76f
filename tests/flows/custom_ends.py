"""First and last step with names of their own."""

from metaflow import step
from tracing import TracedFlow


class CustomEndsFlow(TracedFlow):
    @step(start=True)
    def begin(self):
        self.mark()
        self.x = 1
        self.next(self.work)

    @step
    def work(self):
        self.mark()
        self.x += 1
        self.next(self.finish)

    @step(end=True)
    def finish(self):
        self.mark()
        self.x += 1


if __name__ == "__main__":
    CustomEndsFlow()
