"""A flow that writes while it waits."""

import os
import sys
import time

from metaflow import FlowSpec, step


class Talker(FlowSpec):
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
        self.next(self.end)

    @step
    def end(self):
        pass


if __name__ == "__main__":
    Talker()
