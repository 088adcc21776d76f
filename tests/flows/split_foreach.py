"""A foreach in one branch of a split, another in the other, a step in the third."""

from metaflow import step
from tracing import TracedFlow


class SplitForeachFlow(TracedFlow):
    @step
    def start(self):
        self.mark()
        self.next(self.a, self.b, self.c)

    @step
    def a(self):
        self.mark()
        self.items = [1, 2]
        self.next(self.a_body, foreach="items")

    @step
    def a_body(self):
        self.mark()
        self.x = self.input
        self.next(self.a_join)

    @step
    def a_join(self, inputs):
        self.mark(inputs)
        self.xs = [i.x for i in self.ordered(inputs)]
        self.next(self.all)

    @step
    def b(self):
        self.mark()
        self.items = ["p", "q", "r"]
        self.next(self.b_body, foreach="items")

    @step
    def b_body(self):
        self.mark()
        self.x = self.input
        self.next(self.b_more)

    @step
    def b_more(self):
        self.mark()
        self.x = self.x * 2
        self.next(self.b_join)

    @step
    def b_join(self, inputs):
        self.mark(inputs)
        self.xs = [i.x for i in self.ordered(inputs)]
        self.next(self.all)

    @step
    def c(self):
        self.mark()
        self.xs = []
        self.next(self.all)

    @step
    def all(self, inputs):
        self.mark(inputs)
        self.xs = [i.xs for i in self.ordered(inputs)]
        self.next(self.end)

    @step
    def end(self):
        self.mark()


if __name__ == "__main__":
    SplitForeachFlow()
