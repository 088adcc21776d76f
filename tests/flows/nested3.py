"""Three foreaches in each other, with steps between the levels."""

from metaflow import step
from tracing import TracedFlow


class Nested3Flow(TracedFlow):
    @step
    def start(self):
        self.mark()
        self.al = [1, 2]
        self.next(self.a, foreach="al")

    @step
    def a(self):
        self.mark()
        self.x = (self.input,)
        self.next(self.a2)

    @step
    def a2(self):
        self.mark()
        self.bl = list(range(self.x[0]))
        self.next(self.b, foreach="bl")

    @step
    def b(self):
        self.mark()
        self.x = (*self.x, self.input)
        self.cl = ["u", "v"]
        self.next(self.c, foreach="cl")

    @step
    def c(self):
        self.mark()
        self.x = (*self.x, self.input)
        self.next(self.c2)

    @step
    def c2(self):
        self.mark()
        self.x = (*self.x, self.index)
        self.next(self.c_join)

    @step
    def c_join(self, inputs):
        self.mark(inputs)
        self.x = [i.x for i in self.ordered(inputs)]
        self.next(self.b2)

    @step
    def b2(self):
        self.mark()
        self.x = ["b2", *self.x]
        self.next(self.b_join)

    @step
    def b_join(self, inputs):
        self.mark(inputs)
        self.x = [i.x for i in self.ordered(inputs)]
        self.next(self.a_join)

    @step
    def a_join(self, inputs):
        self.mark(inputs)
        self.x = [i.x for i in self.ordered(inputs)]
        self.next(self.end)

    @step
    def end(self):
        self.mark()


if __name__ == "__main__":
    Nested3Flow()
