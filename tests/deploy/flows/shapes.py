"""Every shape that a resume has to find its tasks in; files in the folder make steps fail."""

import os

from metaflow import FlowSpec, Parameter, catch, current, parallel, step


def fail_if(name):
    if os.path.exists(name):
        raise ValueError(f"{name} is there")


class Shapes(FlowSpec):
    alpha = Parameter("alpha", type=float, default=0.5)
    need = Parameter("need", required=True)

    @step
    def start(self):
        self.xs = [1, 2]
        self.next(self.outer, foreach="xs")

    @step
    def outer(self):
        self.ys = [self.input * 10, self.input * 10 + 1]
        self.next(self.inner, foreach="ys")

    @step
    def inner(self):
        if self.input == 21:
            fail_if("fail-inner")
        self.v, self.seen = self.input, self.alpha
        self.next(self.inner_join)

    @step
    def inner_join(self, inputs):
        self.v, self.seen = sum(i.v for i in inputs), [i.seen for i in inputs]
        self.next(self.outer_join)

    @step
    def outer_join(self, inputs):
        self.v, self.seen = sum(i.v for i in inputs), [i.seen for i in inputs]
        self.n = 0
        self.next(self.loop)

    @step
    def loop(self):
        self.n += 1
        if self.n == 3:
            fail_if("fail-loop")
        self.way = "again" if self.n < 4 else "on"
        self.next({"again": self.loop, "on": self.caught}, condition="way")

    @catch(var="failure")
    @step
    def caught(self):
        fail_if("flow.py")
        self.next(self.gangs)

    @step
    def gangs(self):
        self.next(self.gang, num_parallel=2)

    @parallel
    @step
    def gang(self):
        self.node = current.parallel.node_index
        self.next(self.gang_join)

    @step
    def gang_join(self, inputs):
        self.nodes = [i.node for i in inputs]
        self.next(self.end)

    @step
    def end(self):
        fail_if("fail-end")
        self.seen_at_end = self.alpha


if __name__ == "__main__":
    Shapes()
