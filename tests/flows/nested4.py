"""Four foreaches in each other."""

from metaflow import step
from tracing import TracedFlow


class Nested4Flow(TracedFlow):
    @step
    def start(self):
        self.mark()
        self.al = [0, 1]
        self.next(self.a, foreach="al")

    @step
    def a(self):
        self.mark()
        self.x = str(self.input)
        self.bl = [0, 1] if self.input else [7]
        self.next(self.b, foreach="bl")

    @step
    def b(self):
        self.mark()
        self.x += f".{self.input}"
        self.cl = [0]
        self.next(self.c, foreach="cl")

    @step
    def c(self):
        self.mark()
        self.x += f".{self.input}"
        self.dl = ["y", "z"]
        self.next(self.d, foreach="dl")

    @step
    def d(self):
        self.mark()
        self.x += f".{self.input}"
        self.next(self.d_join)

    @step
    def d_join(self, inputs):
        self.mark(inputs)
        self.x = [i.x for i in self.ordered(inputs)]
        self.next(self.c_join)

    @step
    def c_join(self, inputs):
        self.mark(inputs)
        self.x = [i.x for i in self.ordered(inputs)]
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
    Nested4Flow()
