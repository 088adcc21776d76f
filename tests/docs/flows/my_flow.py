"""The flow of the guides on operating and deploying."""

from metaflow import FlowSpec, Parameter, schedule, step


@schedule(daily=True)
class MyFlow(FlowSpec):
    """Trains with two seeds."""

    alpha = Parameter("alpha", default=0.5, help="Learning rate.")
    as_of = Parameter("as_of", default="", help="The time that the schedule means.")

    @step
    def start(self):
        self.seeds = [1, 2]
        self.next(self.train, foreach="seeds")

    @step
    def train(self):
        self.loss = self.alpha / self.input
        print(f"loss: {self.loss}")
        self.next(self.join)

    @step
    def join(self, inputs):
        self.best = min(task.loss for task in inputs)
        self.next(self.end)

    @step
    def end(self):
        print(f"best: {self.best}")


if __name__ == "__main__":
    MyFlow()
