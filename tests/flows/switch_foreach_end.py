"""A foreach in a branch of a switch, joined before the end; the other goes there."""

from metaflow import Parameter, step
from tracing import TracedFlow


class SwitchForeachEndFlow(TracedFlow):
    route = Parameter("route", default="many")

    @step
    def start(self):
        self.mark()
        self.next({"many": self.many, "nothing": self.end}, condition="route")

    @step
    def many(self):
        self.mark()
        self.items = [1, 2, 3]
        self.next(self.body, foreach="items")

    @step
    def body(self):
        self.mark()
        self.next(self.gather)

    @step
    def gather(self, inputs):
        self.mark(inputs)
        self.next(self.end)

    @step
    def end(self):
        self.mark()


if __name__ == "__main__":
    SwitchForeachEndFlow()
