"""A process in a pod that ends with code 0 before its task is done."""

import sys

from metaflow import kubernetes, step
from tracing import TracedFlow


class EarlyExitPodsFlow(TracedFlow):
    @step
    def start(self):
        self.mark()
        self.next(self.leave)

    @kubernetes
    @step
    def leave(self):
        self.mark()
        sys.exit(0)
        self.next(self.end)

    @step
    def end(self):
        pass


if __name__ == "__main__":
    EarlyExitPodsFlow()
