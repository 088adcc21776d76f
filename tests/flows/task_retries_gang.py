"""A gang of which one node fails at first."""

from metaflow import Parameter, current, parallel, retry, step
from tracing import TracedFlow


class TaskRetriesGangFlow(TracedFlow):
    node = Parameter("node", default=0)

    @step
    def start(self):
        self.mark()
        self.next(self.gang, num_parallel=2)

    @retry(times=2, minutes_between_retries=0)
    @parallel
    @step
    def gang(self):
        self.mark()
        self.attempt = current.retry_count
        if current.parallel.node_index == self.node and current.retry_count == 0:
            raise ValueError(f"node {self.node} fails at first")
        self.next(self.gather)

    @step
    def gather(self, inputs):
        self.mark(inputs)
        self.attempts = [i.attempt for i in inputs]
        self.next(self.end)

    @step
    def end(self):
        self.mark()


if __name__ == "__main__":
    TaskRetriesGangFlow()
