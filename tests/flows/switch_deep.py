"""Switches three deep, each merging before the outer one does."""

from metaflow import Parameter, step
from tracing import TracedFlow


class SwitchDeepFlow(TracedFlow):
    route = Parameter("route", default="aaa")

    @step
    def start(self):
        self.mark()
        self.next(self.one)

    @step
    def one(self):
        self.mark()
        self.k1 = self.route[0]
        self.next({"a": self.a, "b": self.b}, condition="k1")

    @step
    def a(self):
        self.mark()
        self.k2 = self.route[1]
        self.next({"a": self.aa, "b": self.ab}, condition="k2")

    @step
    def aa(self):
        self.mark()
        self.k3 = self.route[2]
        self.next({"a": self.aaa, "b": self.aab}, condition="k3")

    @step
    def aaa(self):
        self.mark()
        self.next(self.aam)

    @step
    def aab(self):
        self.mark()
        self.next(self.aam)

    @step
    def aam(self):
        self.mark()
        self.next(self.am)

    @step
    def ab(self):
        self.mark()
        self.next(self.am)

    @step
    def am(self):
        self.mark()
        self.next(self.m)

    @step
    def b(self):
        self.mark()
        self.next(self.m)

    @step
    def m(self):
        self.mark()
        self.next(self.end)

    @step
    def end(self):
        self.mark()


if __name__ == "__main__":
    SwitchDeepFlow()
