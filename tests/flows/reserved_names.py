"""Steps with names that Dagster keeps for itself."""

from metaflow import step
from tracing import TracedFlow


class ReservedNamesFlow(TracedFlow):
    @step
    def start(self):
        self.mark()
        self.next(self.type, self.config, self.output)

    @step
    def type(self):
        self.mark()
        self.next(self.gathered)

    @step
    def config(self):
        self.mark()
        self.next(self.gathered)

    @step
    def output(self):
        self.mark()
        self.next(self.gathered)

    @step
    def gathered(self, inputs):
        self.mark(inputs)
        self.next(self.set)

    @step
    def set(self):
        self.mark()
        self.items = [1, 2]
        self.next(self.context, foreach="items")

    @step
    def context(self):
        self.mark()
        self.next(self.meta)

    @step
    def meta(self):
        self.mark()
        self.next(self.conf)

    @step
    def conf(self, inputs):
        self.mark(inputs)
        self.next(self.dict)

    @step
    def dict(self):
        self.mark()
        self.kind = "str"
        self.next({"str": self.str, "int": self.int}, condition="kind")

    @step
    def str(self):
        self.mark()
        self.next(self.float)

    @step
    def int(self):
        self.mark()
        self.next(self.float)

    @step
    def float(self):
        self.mark()
        self.next(self.bool)

    @step
    def bool(self):
        self.mark()
        self.next(self.arg_dict)

    @step
    def arg_dict(self):
        self.mark()
        self.next(self.input_arg_dict)

    @step
    def input_arg_dict(self):
        self.mark()
        self.next(self.output_arg_dict)

    @step
    def output_arg_dict(self):
        self.mark()
        self.next(self.end)

    @step
    def end(self):
        self.mark()


if __name__ == "__main__":
    ReservedNamesFlow()
