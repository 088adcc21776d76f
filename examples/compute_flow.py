"""Decorators that say what a step needs, and what happens if it fails.

python compute_flow.py dagster create compute_dagster.py
"""

import os

from metaflow import FlowSpec, catch, current, environment, resources, retry, step, timeout


class ComputeFlow(FlowSpec):
    """`fetch` succeeds at the second try, `guess` never does and is caught."""

    @environment(vars={"REGION": "north"})
    @step
    def start(self):
        self.region = os.environ["REGION"]
        self.next(self.fetch, self.guess)

    @retry(times=2, minutes_between_retries=0)
    @timeout(minutes=5)
    @step
    def fetch(self):
        if current.retry_count == 0:
            raise ConnectionError("The first try always fails.")
        self.fetched = current.retry_count
        self.next(self.join)

    @catch(var="failure", print_exception=False)
    @resources(cpu=2, memory=4000)
    @step
    def guess(self):
        raise ValueError("No idea.")
        self.next(self.join)

    @step
    def join(self, inputs):
        self.fetched = inputs.fetch.fetched
        self.failed = bool(inputs.guess.failure)
        self.next(self.end)

    @step
    def end(self):
        print(f"Fetched at try {self.fetched + 1}; guess failed: {self.failed}")


if __name__ == "__main__":
    ComputeFlow()
