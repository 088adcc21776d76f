"""A task that takes too long is ended by @timeout, tried again, and caught."""

import time

from metaflow import catch, current, retry, step, timeout
from tracing import TracedFlow


class TaskTimeoutFlow(TracedFlow):
    @retry(times=1, minutes_between_retries=0)
    @timeout(seconds=2)
    @step
    def start(self):
        self.mark()
        if current.retry_count == 0:
            time.sleep(60)
        self.next(self.slow)

    @catch(var="failure")
    @timeout(seconds=1)
    @step
    def slow(self):
        self.mark()
        time.sleep(60)
        self.next(self.end)

    @timeout(minutes=1)
    @step
    def end(self):
        self.mark()
        self.what = getattr(self.failure, "type", None)


if __name__ == "__main__":
    TaskTimeoutFlow()
