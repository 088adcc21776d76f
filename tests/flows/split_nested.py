"""A split in a branch of a split, joined one after the other."""

from metaflow import step
from tracing import TracedFlow


class SplitNestedFlow(TracedFlow):
    @step
    def start(self):
        self.mark()
        self.next(self.a, self.b)

    @step
    def a(self):
        self.mark()
        self.x = "a"
        self.next(self.a1, self.a2)

    @step
    def a1(self):
        self.mark()
        self.y = self.x + "1"
        self.next(self.ja)

    @step
    def a2(self):
        self.mark()
        self.y = self.x + "2"
        self.next(self.ja)

    @step
    def ja(self, inputs):
        self.mark(inputs)
        self.ys = [i.y for i in self.ordered(inputs)]
        self.next(self.j)

    @step
    def b(self):
        self.mark()
        self.x = "b"
        self.next(self.b1, self.b2)

    @step
    def b1(self):
        self.mark()
        self.next(self.b1a, self.b1b)

    @step
    def b1a(self):
        self.mark()
        self.y = "b1a"
        self.next(self.jb1)

    @step
    def b1b(self):
        self.mark()
        self.y = "b1b"
        self.next(self.jb1)

    @step
    def jb1(self, inputs):
        self.mark(inputs)
        self.ys = [i.y for i in self.ordered(inputs)]
        self.next(self.jb)

    @step
    def b2(self):
        self.mark()
        self.ys = ["b2"]
        self.next(self.jb)

    @step
    def jb(self, inputs):
        self.mark(inputs)
        self.ys = [y for i in self.ordered(inputs) for y in i.ys]
        self.next(self.j)

    @step
    def j(self, inputs):
        self.mark(inputs)
        self.ys = [y for i in self.ordered(inputs) for y in i.ys]
        self.next(self.end)

    @step
    def end(self):
        self.mark()


if __name__ == "__main__":
    SplitNestedFlow()
