"""A foreach in a foreach, with steps before, between and after the levels."""

from metaflow import step
from tracing import TracedFlow


class Nested2StepsFlow(TracedFlow):
    @step
    def start(self):
        self.mark()
        self.items = ["a", "b"]
        self.next(self.outer, foreach="items")

    @step
    def outer(self):
        self.mark()
        self.name_of = self.input
        self.next(self.prepare)

    @step
    def prepare(self):
        self.mark()
        self.more = [self.name_of + str(k) for k in range(2)]
        self.next(self.inner, foreach="more")

    @step
    def inner(self):
        self.mark()
        self.x = self.input
        self.next(self.inner_more)

    @step
    def inner_more(self):
        self.mark()
        self.x = self.x + "!"
        self.next(self.inner_join)

    @step
    def inner_join(self, inputs):
        self.mark(inputs)
        self.xs = [i.x for i in self.ordered(inputs)]
        self.items = inputs[0].items
        self.next(self.tidy)

    @step
    def tidy(self):
        self.mark()
        self.xs = [*self.xs, self.input]
        self.next(self.tidy_more)

    @step
    def tidy_more(self):
        self.mark()
        self.next(self.outer_join)

    @step
    def outer_join(self, inputs):
        self.mark(inputs)
        self.xs = [i.xs for i in self.ordered(inputs)]
        self.next(self.end)

    @step
    def end(self):
        self.mark()


if __name__ == "__main__":
    Nested2StepsFlow()
