"""Ways to fail for good."""

import os
import signal
import sys

from metaflow import Parameter, current, retry, step
from tracing import TracedFlow


class TaskFailsFlow(TracedFlow):
    how = Parameter("how", default="raise")

    @step
    def start(self):
        self.mark()
        self.next(self.middle)

    @retry(times=1, minutes_between_retries=0)
    @step
    def middle(self):
        self.mark()
        self.attempt = current.retry_count
        print("attempt", current.retry_count)
        if self.how == "raise":
            raise ValueError("always")
        if self.how == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        if self.how == "crash":
            os.kill(os.getpid(), signal.SIGSEGV)
        if self.how == "no_retry":
            sys.exit(202)
        if self.how == "leave":
            os._exit(3)
        self.next(self.end)

    @step
    def end(self):
        self.mark()


if __name__ == "__main__":
    TaskFailsFlow()
