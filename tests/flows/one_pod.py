"""One step in a pod, with steps on this machine around it."""

import sys

from metaflow import kubernetes, step
from tracing import TracedFlow


class OnePodFlow(TracedFlow):
    @step
    def start(self):
        self.mark()
        self.number = 1
        self.next(self.pod)

    @kubernetes(cpu=0.5, memory=512)
    @step
    def pod(self):
        self.mark()
        print("to stderr", file=sys.stderr)
        self.number += 1
        self.next(self.end)

    @step
    def end(self):
        self.mark()
        self.number += 1


if __name__ == "__main__":
    OnePodFlow()
