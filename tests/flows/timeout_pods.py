"""Pods that run out of time: tried again, and caught."""

import time

from metaflow import catch, current, kubernetes, retry, step, timeout
from tracing import TracedFlow


class TimeoutPodsFlow(TracedFlow):
    @step
    def start(self):
        self.mark()
        self.next(self.again, self.slow)

    @retry(times=1, minutes_between_retries=0)
    @timeout(seconds=60)
    @kubernetes
    @step
    def again(self):
        self.mark()
        if current.retry_count == 0:
            time.sleep(600)
        self.attempt = current.retry_count
        self.next(self.join)

    @catch(var="failure")
    @timeout(seconds=60)  # the least that @kubernetes takes
    @kubernetes
    @step
    def slow(self):
        self.mark()
        time.sleep(600)
        self.next(self.join)

    @step
    def join(self, inputs):
        self.mark(inputs)
        self.attempt = inputs.again.attempt
        self.was = type(inputs.slow.failure).__name__
        self.next(self.end)

    @step
    def end(self):
        self.mark()


if __name__ == "__main__":
    TimeoutPodsFlow()
