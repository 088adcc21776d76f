"""A switch by truth values."""

from metaflow import Parameter, step
from tracing import TracedFlow


class SwitchBoolFlow(TracedFlow):
    route = Parameter("route", default=True)

    @step
    def start(self):
        self.mark()
        self.flag = bool(self.route)
        self.next(self.decide)

    @step
    def decide(self):
        self.mark()
        self.next({True: self.yes, False: self.no}, condition="flag")

    @step
    def yes(self):
        self.mark()
        self.x = 1
        self.next(self.merged)

    @step
    def no(self):
        self.mark()
        self.x = 0
        self.next(self.merged)

    @step
    def merged(self):
        self.mark()
        self.next(self.end)

    @step
    def end(self):
        self.mark()


if __name__ == "__main__":
    SwitchBoolFlow()
