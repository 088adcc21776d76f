"""A step of each kind that fails for good, with nothing else running beside it."""

from metaflow import Parameter, current, parallel, step
from tracing import TracedFlow


class TaskFailsAtFlow(TracedFlow):
    where = Parameter("where", default="")

    def come_to(self, inputs=None):
        self.mark(inputs)
        if current.step_name == self.where:
            raise ValueError(f"{self.where} fails")

    @step
    def start(self):
        self.come_to()
        self.items = [1]
        self.next(self.item, foreach="items")

    @step
    def item(self):
        self.come_to()
        self.next(self.join)

    @step
    def join(self, inputs):
        self.come_to(inputs)
        self.next(self.decide)

    @step
    def decide(self):
        self.way = "left"
        self.rounds = 0
        self.come_to()
        self.next({"left": self.again, "right": self.crew}, condition="way")

    @step
    def again(self):
        self.rounds += 1
        self.way = "on" if self.rounds < 2 else "out"
        if self.rounds == 2:
            self.come_to()
        self.next({"on": self.again, "out": self.crew}, condition="way")

    @step
    def crew(self):
        self.mark()
        self.next(self.gang, num_parallel=1)

    @parallel
    @step
    def gang(self):
        self.come_to()
        self.next(self.gather)

    @step
    def gather(self, inputs):
        self.come_to(inputs)
        self.next(self.end)

    @step
    def end(self):
        self.come_to()


if __name__ == "__main__":
    TaskFailsAtFlow()
