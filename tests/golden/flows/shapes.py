from metaflow import FlowSpec, Parameter, step


class ShapesFlow(FlowSpec):
    n = Parameter("n", default=2, type=int, help="outer size")

    @step
    def start(self):
        self.items = list(range(self.n))
        self.next(self.a, self.b)

    @step
    def a(self):
        self.xs = [1, 2]
        self.next(self.outer, foreach="items")

    @step
    def b(self):
        self.v = "b"
        self.next(self.j)

    @step
    def outer(self):
        self.o = self.input
        self.ys = list(range(self.o + 1))
        self.kind = "even" if self.o % 2 == 0 else "odd"
        self.next({"even": self.even, "odd": self.odd}, condition="kind")

    @step
    def even(self):
        self.t = "even"
        self.next(self.m)

    @step
    def odd(self):
        self.t = "odd"
        self.next(self.m)

    @step
    def m(self):
        self.next(self.inner, foreach="ys")

    @step
    def inner(self):
        self.z = (self.o, self.input, self.t)
        self.count = 0
        self.next(self.loop)

    @step
    def loop(self):
        self.count += 1
        self.go = "again" if self.count < 2 else "out"
        self.next({"again": self.loop, "out": self.s}, condition="go")

    @step
    def s(self):
        self.next(self.s1, self.s2)

    @step
    def s1(self):
        self.w = 1
        self.next(self.sj)

    @step
    def s2(self):
        self.w = 2
        self.next(self.sj)

    @step
    def sj(self, inputs):
        self.z = inputs.s1.z
        self.ws = [i.w for i in inputs]
        self.next(self.ij)

    @step
    def ij(self, inputs):
        self.zs = [i.z for i in inputs]
        self.next(self.oj)

    @step
    def oj(self, inputs):
        self.all = [i.zs for i in inputs]
        self.next(self.j)

    @step
    def j(self, inputs):
        self.all = inputs.oj.all
        self.next(self.sw)

    @step
    def sw(self):
        self.c = 1
        self.next({0: self.p, 1: self.q}, condition="c")

    @step
    def p(self):
        self.next(self.end)

    @step
    def q(self):
        self.next(self.end)

    @step
    def end(self):
        print("ALL", self.all)


if __name__ == "__main__":
    ShapesFlow()
