"""The target of a switch opens a foreach, and is reached in two ways."""

from metaflow import Parameter, step
from tracing import TracedFlow


class SwitchIsForeachFlow(TracedFlow):
    route = Parameter("route", default="direct")

    @step
    def start(self):
        self.mark()
        self.next({"direct": self.fan, "indirect": self.prepare}, condition="route")

    @step
    def prepare(self):
        self.mark()
        self.n = 3
        self.next(self.fan)

    @step
    def fan(self):
        self.mark()
        self.items = list(range(getattr(self, "n", 2)))
        self.next(self.body, foreach="items")

    @step
    def body(self):
        self.mark()
        self.x = self.input
        self.next(self.gather)

    @step
    def gather(self, inputs):
        self.mark(inputs)
        self.x = [i.x for i in self.ordered(inputs)]
        self.next(self.end)

    @step
    def end(self):
        self.mark()


if __name__ == "__main__":
    SwitchIsForeachFlow()
