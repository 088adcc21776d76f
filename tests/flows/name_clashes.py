"""Step names that differ only in what a generated name may add to them."""

from metaflow import Parameter, step
from tracing import TracedFlow


class NameClashesFlow(TracedFlow):
    key = Parameter("key", default="type_")

    @step
    def start(self):
        self.mark()
        self.kind = self.key
        self.next({"type": self.type, "type_": self.type_}, condition="kind")

    @step
    def type(self):
        self.mark()
        self.next(self.a_b)

    @step
    def type_(self):
        self.mark()
        self.next(self.a_b)

    @step
    def a_b(self):
        self.mark()
        self.next(self.str, self.str_)

    @step
    def str(self):
        self.mark()
        self.next(self.both)

    @step
    def str_(self):
        self.mark()
        self.next(self.both)

    @step
    def both(self, inputs):
        self.mark(inputs)
        self.names = sorted(i._current_step for i in inputs)
        self.next(self.int_)

    @step
    def int_(self):
        self.mark()
        self.items = [0, 1]
        self.next(self.a, foreach="items")

    @step
    def a(self):
        self.mark()
        self.more = [0]
        self.next(self.op_a, foreach="more")

    @step
    def op_a(self):
        self.mark()
        self.next(self.gather_a)

    @step
    def gather_a(self, inputs):
        self.mark(inputs)
        self.next(self.collect_a_for_b)

    @step
    def collect_a_for_b(self, inputs):
        self.mark(inputs)
        self.next(self.each_a)

    @step
    def each_a(self):
        self.mark()
        self.next(self.fan_out_a)

    @step
    def fan_out_a(self):
        self.mark()
        self.next(self.end)

    @step
    def end(self):
        self.mark()


if __name__ == "__main__":
    NameClashesFlow()
