"""Steps named like things that a definitions file holds."""

from metaflow import step
from tracing import TracedFlow


class HelperNamesFlow(TracedFlow):
    @step
    def start(self):
        self.mark()
        self.next(self.job, self.op, self.json)

    @step
    def job(self):
        self.mark()
        self.x = "job"
        self.next(self.collect)

    @step
    def op(self):
        self.mark()
        self.x = "op"
        self.next(self.collect)

    @step
    def json(self):
        self.mark()
        self.x = "json"
        self.next(self.collect)

    @step
    def collect(self, inputs):
        self.mark(inputs)
        self.next(self.tags)

    @step
    def tags(self):
        self.mark()
        self.list = [1, 2]
        self.next(self.os, foreach="list")

    @step
    def os(self):
        self.mark()
        self.sys = [self.input]
        self.next(self.fan_out, foreach="sys")

    @step
    def fan_out(self):
        self.mark()
        self.x = self.input
        self.next(self.gather)

    @step
    def gather(self, inputs):
        self.mark(inputs)
        self.x = [i.x for i in self.ordered(inputs)]
        self.next(self.item)

    @step
    def item(self, inputs):
        self.mark(inputs)
        self.x = [i.x for i in self.ordered(inputs)]
        self.next(self.defs)

    @step
    def defs(self):
        self.mark()
        self.values = "upstream"
        self.next({"upstream": self.upstream, "result": self.result}, condition="values")

    @step
    def upstream(self):
        self.mark()
        self.next(self.task)

    @step
    def result(self):
        self.mark()
        self.next(self.task)

    @step
    def task(self):
        self.mark()
        self.next(self.end)

    @step
    def end(self):
        self.mark()


if __name__ == "__main__":
    HelperNamesFlow()
