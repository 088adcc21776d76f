"""A flow that writes while it waits, goes one of two ways, and runs by itself."""

import os
import sys
import time

from metaflow import FlowSpec, Parameter, schedule, step


@schedule(hourly=True)
class Talker(FlowSpec):
    way = Parameter("way", default="quiet")

    @step
    def start(self):
        print("before the wait", flush=True)
        print("to stderr", file=sys.stderr)
        deadline = time.time() + 60
        while time.time() < deadline and not os.path.exists("go"):
            time.sleep(0.1)
        print("after the wait")
        self.items = [0, 1]
        self.next(self.item, foreach="items")

    @step
    def item(self):
        print("item", self.input)
        self.next(self.join)

    @step
    def join(self, inputs):
        self.next(self.decide)

    @step
    def decide(self):
        self.next({"quiet": self.quiet, "loud": self.loud}, condition="way")

    @step
    def quiet(self):
        self.next(self.end)

    @step
    def loud(self):
        print("as loud as can be")
        raise ValueError("too loud")
        self.next(self.end)

    @step
    def end(self):
        pass


if __name__ == "__main__":
    Talker()
