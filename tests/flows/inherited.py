"""Steps and parameters that come from a base class and from a mixin, one of them overridden."""

from metaflow import Parameter, step
from tracing import TracedFlow


class Base(TracedFlow):
    size = Parameter("size", default=2, help="How many items.")

    @step
    def start(self):
        self.mark()
        self.items = list(range(self.size))
        self.next(self.body, foreach="items")

    @step
    def body(self):
        self.mark()
        self.x = "base"
        self.next(self.gather)


class Ending:
    @step
    def gather(self, inputs):
        self.mark(inputs)
        self.x = [i.x for i in inputs]
        self.next(self.end)

    @step
    def end(self):
        self.mark()


class InheritedFlow(Ending, Base):
    @step
    def body(self):
        self.mark()
        self.x = "overridden"
        self.next(self.extra)

    @step
    def extra(self):
        self.mark()
        self.next(self.gather)


if __name__ == "__main__":
    InheritedFlow()
