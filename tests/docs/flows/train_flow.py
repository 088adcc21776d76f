"""The flow of the guides on assets, resuming and the translator."""

from metaflow import FlowSpec, Parameter, step


class TrainFlow(FlowSpec):
    """Trains and validates a model."""

    learning_rate = Parameter("learning_rate", default=0.1)

    @step
    def start(self):
        self.next(self.train)

    @step
    def train(self):
        self.model = {"slope": 3}
        self.accuracy = 1 - self.learning_rate
        self.next(self.validate)

    @step
    def validate(self):
        self.is_good = self.accuracy > 0.8
        self.next(self.end)

    @step
    def end(self):
        print(f"accuracy: {self.accuracy}")


if __name__ == "__main__":
    TrainFlow()
