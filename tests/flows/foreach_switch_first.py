"""In a foreach the switch comes after a step, and a split in one of its branches."""

from metaflow import step
from tracing import TracedFlow


class ForeachSwitchFirstFlow(TracedFlow):
    @step
    def start(self):
        self.mark()
        self.items = [1, 2, 3]
        self.next(self.item, foreach="items")

    @step
    def item(self):
        self.mark()
        self.odd = self.input % 2 == 1
        self.next(self.decide)

    @step
    def decide(self):
        self.mark()
        self.next({True: self.odd_one, False: self.even_one}, condition="odd")

    @step
    def odd_one(self):
        self.mark()
        self.next(self.left, self.right)

    @step
    def left(self):
        self.mark()
        self.x = "l"
        self.next(self.both)

    @step
    def right(self):
        self.mark()
        self.x = "r"
        self.next(self.both)

    @step
    def both(self, inputs):
        self.mark(inputs)
        self.x = [i.x for i in self.ordered(inputs)]
        self.next(self.merged)

    @step
    def even_one(self):
        self.mark()
        self.x = "even"
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
    ForeachSwitchFirstFlow()
