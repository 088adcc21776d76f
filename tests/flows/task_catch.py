"""Tasks that raise, are killed, crash or leave, each caught; with and without retries before."""

import os
import signal

from metaflow import catch, current, retry, step
from tracing import TracedFlow


def fail(how):
    if how == "raise":
        raise KeyError("no such thing: ü")
    if how == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if how == "crash":
        os.kill(os.getpid(), signal.SIGSEGV)
    if how == "leave":
        os._exit(7)


class TaskCatchFlow(TracedFlow):
    @catch(var="failure")
    @step
    def start(self):
        self.hows = ["raise", "kill", "crash", "leave", "fine"]
        self.mark()
        self.next(self.once, self.twice)

    @step
    def once(self):
        self.mark()
        self.next(self.risky, foreach="hows")

    @catch(var="failure", print_exception=False)
    @step
    def risky(self):
        self.mark()
        print("about to", self.input)
        fail(self.input)
        self.x = self.input
        self.next(self.risky_join)

    @step
    def risky_join(self, inputs):
        inputs = sorted(inputs, key=self._indices)  # no order before Metaflow 2.19.23
        self.mark([i for i in inputs if not i.failure])
        self.failures = [getattr(i.failure, "type", None) for i in inputs]
        self.exceptions = [getattr(i.failure, "exception", None) for i in inputs]
        self.next(self.both)

    @catch(var="failure", print_exception=True)
    @retry(times=1, minutes_between_retries=0)
    @step
    def twice(self):
        self.mark()
        self.attempt = current.retry_count
        fail("raise" if current.retry_count else "kill")
        self.next(self.both)

    @step
    def both(self, inputs):
        self.mark(i for i in inputs if hasattr(i, "trace"))
        self.failures = inputs.risky_join.failures
        self.failure = str(inputs.twice.failure)
        self.next(self.end)

    @step
    def end(self):
        self.mark()


if __name__ == "__main__":
    TaskCatchFlow()
