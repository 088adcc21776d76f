"""The body of a foreach begins with a loop, whose ways out differ from item to item."""

from metaflow import step
from tracing import TracedFlow


class ForeachLoopExitsFlow(TracedFlow):
    @step
    def start(self):
        self.mark()
        self.items = ["a", "b", "aa"]
        self.count = 0
        self.next(self.again, foreach="items")

    @step
    def again(self):
        self.mark()
        self.count += 1
        self.go = "on" if self.count < len(self.input) else self.input[0]
        self.next({"on": self.again, "a": self.a, "b": self.b}, condition="go")

    @step
    def a(self):
        self.mark()
        self.next(self.gather)

    @step
    def b(self):
        self.mark()
        self.next(self.b_more)

    @step
    def b_more(self):
        self.mark()
        self.next(self.gather)

    @step
    def gather(self, inputs):
        self.mark(inputs)
        self.counts = [i.count for i in self.ordered(inputs)]
        self.next(self.end)

    @step
    def end(self):
        self.mark()


if __name__ == "__main__":
    ForeachLoopExitsFlow()
