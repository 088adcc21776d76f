"""Steps that last long enough for a worker to die under them."""

import os
import time

from metaflow import step
from tracing import TracedFlow


class LastingFlow(TracedFlow):
    @step
    def start(self):
        self.mark()
        self.items = [0, 1, 2]
        self.next(self.lasting, foreach="items")

    @step
    def lasting(self):
        self.mark()
        if "METAFLOW_DAGSTER_RUN_ID" in os.environ:
            # For the tests to see which worker it is on.
            with open(os.path.join(os.environ["HOME"], f"lasting-{self.input}"), "w") as file:
                file.write(str(os.getpid()))
        time.sleep(4)
        self.next(self.join)

    @step
    def join(self, inputs):
        self.mark(inputs)
        self.next(self.end)

    @step
    def end(self):
        self.mark()


if __name__ == "__main__":
    LastingFlow()
