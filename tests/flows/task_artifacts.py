"""Artifacts of many kinds, merged in joins; constants of the class; values of parameters."""

from collections import OrderedDict

from metaflow import JSONType, Parameter, step
from tracing import TracedFlow


class TaskArtifactsFlow(TracedFlow):
    constant = {"a": (1, 2)}
    number = Parameter("number", type=int, default=3)
    share = Parameter("share", type=float, default=0.5)
    flag = Parameter("flag", type=bool, default=False)
    text = Parameter("text", default='it\'s "$HOME"\nü')
    some_json = Parameter("some-json", type=JSONType, default='{"a": [1, null]}')
    words = Parameter("words", separator=",", default="x,y")
    nothing = Parameter("nothing", type=int, default=None)

    @step
    def start(self):
        self.mark()
        self.big = bytes(range(256)) * 4000
        self.ordered = OrderedDict(b=1, a=2)
        self.unset = None
        self.ünï = "code"
        self.seen = [self.number, self.share, self.flag, self.text, self.some_json, self.words]
        self.next(self.left, self.right)

    @step
    def left(self):
        self.mark()
        self.only_left = {1, 2}
        self.both = "left"
        self.next(self.join)

    @step
    def right(self):
        self.mark()
        self.both = "right"
        self.next(self.join)

    @step
    def join(self, inputs):
        self.both = (inputs.left.both, inputs.right.both)
        self.trace = []
        self.merge_artifacts(inputs, exclude=["big"])
        self.next(self.end)

    @step
    def end(self):
        self.mark()


if __name__ == "__main__":
    TaskArtifactsFlow()
