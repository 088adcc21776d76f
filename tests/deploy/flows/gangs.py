"""A gang and an unbounded foreach, of each of which a task leaves early while a file is there."""

import os
import sys

from metaflow import FlowSpec, current, parallel, step, unbounded_test_foreach_internal
from metaflow.plugins import InternalTestUnboundedForeachInput as Unbounded


def leave(step_name):
    """End this process with code 0, before its task is done."""
    if os.path.exists(f"leave-{step_name}"):
        sys.stdout.flush()
        os._exit(0)
    if os.path.exists(f"exit-{step_name}"):
        sys.exit(0)


class Gangs(FlowSpec):
    @step
    def start(self):
        self.letters = Unbounded(["x", "y"])
        self.next(self.letter, foreach="letters")

    @unbounded_test_foreach_internal
    @step
    def letter(self):
        self.found = self.input
        if self.index == 1:
            leave("letter")
        self.next(self.word)

    @step
    def word(self, inputs):
        self.found = [i.found for i in inputs]
        self.next(self.crew)

    @step
    def crew(self):
        self.next(self.gang, num_parallel=2)

    @parallel
    @step
    def gang(self):
        self.node = current.parallel.node_index
        if self.node == 1:
            leave("gang")
        self.next(self.gather)

    @step
    def gather(self, inputs):
        self.nodes = sorted(i.node for i in inputs)
        self.found = inputs[0].found
        self.next(self.end)

    @step
    def end(self):
        if os.path.exists("fail-end"):
            raise Exception("fail-end is there")


if __name__ == "__main__":
    Gangs()
