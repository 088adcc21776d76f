"""In a foreach, one foreach after the other, the second opened by the join of the first."""

from metaflow import step
from tracing import TracedFlow


class NestedSequenceFlow(TracedFlow):
    @step
    def start(self):
        self.mark()
        self.items = [1, 2]
        self.next(self.outer, foreach="items")

    @step
    def outer(self):
        self.mark()
        self.more = [self.input, self.input * 10]
        self.next(self.first, foreach="more")

    @step
    def first(self):
        self.mark()
        self.x = self.input
        self.next(self.first_join)

    @step
    def first_join(self, inputs):
        self.mark(inputs)
        self.sums = [i.x + 1 for i in self.ordered(inputs)]
        self.items = inputs[0].items
        self.next(self.again)

    @step
    def again(self):
        self.mark()
        self.more = [*self.sums, self.input]
        self.next(self.second, foreach="more")

    @step
    def second(self):
        self.mark()
        self.x = self.input
        self.next(self.second_join)

    @step
    def second_join(self, inputs):
        self.mark(inputs)
        self.x = [i.x for i in self.ordered(inputs)]
        self.next(self.outer_join)

    @step
    def outer_join(self, inputs):
        self.mark(inputs)
        self.x = [i.x for i in self.ordered(inputs)]
        self.next(self.end)

    @step
    def end(self):
        self.mark()


if __name__ == "__main__":
    NestedSequenceFlow()
