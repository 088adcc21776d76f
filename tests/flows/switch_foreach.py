"""A foreach in one branch of a switch, a nested foreach in the other, a step in the third."""

from metaflow import Parameter, step
from tracing import TracedFlow


class SwitchForeachFlow(TracedFlow):
    route = Parameter("route", default="one")

    @step
    def start(self):
        self.mark()
        self.next(self.decide)

    @step
    def decide(self):
        self.mark()
        self.next({"one": self.one, "two": self.two, "none": self.none}, condition="route")

    @step
    def one(self):
        self.mark()
        self.items = [1, 2]
        self.next(self.one_body, foreach="items")

    @step
    def one_body(self):
        self.mark()
        self.x = self.input
        self.next(self.one_join)

    @step
    def one_join(self, inputs):
        self.mark(inputs)
        self.x = [i.x for i in self.ordered(inputs)]
        self.next(self.merged)

    @step
    def two(self):
        self.mark()
        self.items = [1, 2]
        self.next(self.two_body, foreach="items")

    @step
    def two_body(self):
        self.mark()
        self.more = [self.input] * self.input
        self.next(self.two_leaf, foreach="more")

    @step
    def two_leaf(self):
        self.mark()
        self.x = self.input
        self.next(self.two_leaf_join)

    @step
    def two_leaf_join(self, inputs):
        self.mark(inputs)
        self.x = [i.x for i in self.ordered(inputs)]
        self.next(self.two_join)

    @step
    def two_join(self, inputs):
        self.mark(inputs)
        self.x = [i.x for i in self.ordered(inputs)]
        self.next(self.merged)

    @step
    def none(self):
        self.mark()
        self.x = None
        self.next(self.merged)

    @step
    def merged(self):
        self.mark()
        self.next(self.end)

    @step
    def end(self):
        self.mark()


if __name__ == "__main__":
    SwitchForeachFlow()
