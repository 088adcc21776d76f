"""A switch whose keys come from a config."""

from metaflow import Config, Parameter, step
from tracing import TracedFlow


class SwitchConfigFlow(TracedFlow):
    route = Parameter("route", default="fast")
    modes = Config("modes", default_value={"quick": "fast", "careful": "slow"})

    @step
    def start(self):
        self.mark()
        self.next(self.decide)

    @step
    def decide(self):
        self.mark()
        self.next(
            {self.modes.quick: self.quick, self.modes.careful: self.careful}, condition="route"
        )

    @step
    def quick(self):
        self.mark()
        self.next(self.end)

    @step
    def careful(self):
        self.mark()
        self.next(self.end)

    @step
    def end(self):
        self.mark()


if __name__ == "__main__":
    SwitchConfigFlow()
