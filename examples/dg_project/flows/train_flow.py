"""Trains a model, whenever somebody asks for it."""

from metaflow import FlowSpec, Parameter, step


class TrainFlow(FlowSpec):
    """Fits the slope of a line."""

    slope = Parameter("slope", default=3, help="Of the invented data.")

    @step
    def start(self):
        self.points = [(x, self.slope * x) for x in range(1, 5)]
        self.next(self.end)

    @step
    def end(self):
        self.model = sum(y / x for x, y in self.points) / len(self.points)
        print(f"y = {self.model} x")


if __name__ == "__main__":
    TrainFlow()
