"""A chain whose middle step does what its parameter says."""

import os
import time

from metaflow import FlowSpec, JSONType, Parameter, step


class Chain(FlowSpec):
    alpha = Parameter("alpha", type=float, default=0.5)
    retry_count = Parameter("retry_count", default=1)
    mode = Parameter("mode", default="no")
    address = Parameter("url", default="u", help="called like an option of trigger")
    config = Parameter("config-file", type=JSONType, default={"a": 1})
    many = Parameter("many", multiple=True, type=str, default=["q"])

    @step
    def start(self):
        self.next(self.middle)

    @step
    def middle(self):
        if self.mode == "fail":
            raise ValueError("as told")
        if self.mode == "long":
            with open("pid", "w") as file:
                file.write(str(os.getpid()))
            deadline = time.time() + 120
            while time.time() < deadline and not os.path.exists("go"):
                time.sleep(0.1)
        self.seen = self.alpha
        self.next(self.end)

    @step
    def end(self):
        self.result = [self.alpha, self.retry_count, self.address, self.config, list(self.many)]


if __name__ == "__main__":
    Chain()
