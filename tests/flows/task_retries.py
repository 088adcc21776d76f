"""Every kind of step fails once, at its first attempt, and is tried again."""

import os
import signal
import sys

from metaflow import Parameter, current, parallel, retry, step
from tracing import TracedFlow


class TaskRetriesFlow(TracedFlow):
    how = Parameter("how", default="raise")

    def fail_once(self):
        print("attempt", current.retry_count)
        print("attempt", current.retry_count, "complains", file=sys.stderr)
        self.attempt = current.retry_count
        self.tried = [*getattr(self, "tried", []), (current.step_name, current.retry_count)]
        if current.retry_count == 0:
            sys.stdout.flush()
            if self.how == "kill":
                os.kill(os.getpid(), signal.SIGKILL)
            if self.how == "leave":
                os._exit(3)
            raise ValueError(f"{current.step_name} fails at first")

    @retry(times=1, minutes_between_retries=0)
    @step
    def start(self):
        self.mark()
        self.fail_once()
        self.outer = [1, 2]
        self.next(self.each, foreach="outer")

    @retry(times=2, minutes_between_retries=0)
    @step
    def each(self):
        self.mark()
        self.inner = ["x", "y"] if self.input == 1 else ["z"]
        self.fail_once()
        self.next(self.leaf, foreach="inner")

    @retry(times=3, minutes_between_retries=0)
    @step
    def leaf(self):
        self.mark()
        # The items of a foreach need different numbers of attempts.
        self.attempt = current.retry_count
        if current.retry_count < {"x": 0, "y": 1, "z": 3}[self.input]:
            raise RuntimeError(self.input)
        self.next(self.inner_join)

    @retry(times=1, minutes_between_retries=0)
    @step
    def inner_join(self, inputs):
        self.mark(inputs)
        self.attempts = [i.attempt for i in inputs]
        self.fail_once()
        self.next(self.outer_join)

    @retry(times=1, minutes_between_retries=0)
    @step
    def outer_join(self, inputs):
        self.mark(inputs)
        self.attempts = [i.attempts for i in inputs]
        self.fail_once()
        self.next(self.decide)

    @retry(times=1, minutes_between_retries=0)
    @step
    def decide(self):
        self.mark()
        # A way that a failed attempt never took.
        self.way = ["wrong", "right"][current.retry_count]
        self.fail_once()
        self.next({"right": self.right, "wrong": self.wrong}, condition="way")

    @step
    def right(self):
        self.mark()
        self.rounds = 0
        self.next(self.again)

    @step
    def wrong(self):
        self.mark()
        self.rounds = 0
        self.next(self.again)

    @retry(times=1, minutes_between_retries=0)
    @step
    def again(self):
        self.mark()
        self.rounds += 1
        self.go = "on" if self.rounds < 3 else "out"
        if self.rounds == 2:
            self.fail_once()
        self.next({"on": self.again, "out": self.crew}, condition="go")

    @retry(times=1, minutes_between_retries=0)
    @step
    def crew(self):
        self.mark()
        self.fail_once()
        self.next(self.gang, num_parallel=2)

    @parallel
    @step
    def gang(self):
        self.mark()
        self.node = current.parallel.node_index
        self.next(self.gather)

    @step
    def gather(self, inputs):
        self.mark(inputs)
        self.nodes = [i.node for i in inputs]
        self.next(self.end)

    @retry(times=1, minutes_between_retries=0)
    @step
    def end(self):
        self.mark()
        self.fail_once()


if __name__ == "__main__":
    TaskRetriesFlow()
