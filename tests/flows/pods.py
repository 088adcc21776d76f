"""A foreach in pods, with what decorators make of failures there."""

from metaflow import Parameter, catch, current, kubernetes, retry, step, timeout
from tracing import TracedFlow


class PodsFlow(TracedFlow):
    size = Parameter("size", default=3)

    @step
    def start(self):
        self.mark()
        self.items = list(range(self.size))
        self.next(self.each, foreach="items")

    @timeout(minutes=5)
    @retry(times=1, minutes_between_retries=0)
    @kubernetes
    @step
    def each(self):
        self.mark()
        print("attempt", current.retry_count)
        if self.input == 1 and current.retry_count == 0:
            raise ValueError("The second item fails at first")
        self.value = self.input * 10
        self.next(self.join)

    @step
    def join(self, inputs):
        self.mark(inputs)
        self.values = [i.value for i in self.ordered(inputs)]
        self.next(self.caught)

    @catch(var="failure")
    @kubernetes
    @step
    def caught(self):
        self.mark()
        raise RuntimeError("It always fails")
        self.next(self.end)

    @step
    def end(self):
        self.mark()
        self.was = str(self.failure.exception)


if __name__ == "__main__":
    PodsFlow()
