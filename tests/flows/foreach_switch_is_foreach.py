"""Inside a foreach a switch leads to a foreach step in two ways, and past it in a third."""

from metaflow import step
from tracing import TracedFlow


class ForeachSwitchIsForeachFlow(TracedFlow):
    @step
    def start(self):
        self.mark()
        self.items = ["d", "i", "p"]
        self.next(self.item, foreach="items")

    @step
    def item(self):
        self.mark()
        self.kind = self.input
        self.n = 1
        self.next({"d": self.fan, "i": self.prepare, "p": self.past}, condition="kind")

    @step
    def prepare(self):
        self.mark()
        self.n = 2
        self.next(self.fan)

    @step
    def fan(self):
        self.mark()
        self.more = list(range(self.n))
        self.next(self.leaf, foreach="more")

    @step
    def leaf(self):
        self.mark()
        self.x = self.input
        self.next(self.leaf_join)

    @step
    def leaf_join(self, inputs):
        self.mark(inputs)
        self.x = [i.x for i in self.ordered(inputs)]
        self.next(self.merged)

    @step
    def past(self):
        self.mark()
        self.x = "past"
        self.next(self.merged)

    @step
    def merged(self):
        self.mark()
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
    ForeachSwitchIsForeachFlow()
