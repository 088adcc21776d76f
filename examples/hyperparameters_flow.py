"""Train with each of several learning rates at the same time; a card compares them.

python hyperparameters_flow.py dagster create hyperparameters_dagster.py
"""

from metaflow import FlowSpec, JSONType, Parameter, card, current, step
from metaflow.cards import Markdown, Table


class HyperparametersFlow(FlowSpec):
    """Fits y = slope * x by gradient descent."""

    rates = Parameter("rates", type=JSONType, default=[0.001, 0.01, 0.03], help="Learning rates.")

    @step
    def start(self):
        self.points = [(x, 3 * x) for x in range(1, 6)]
        self.next(self.train, foreach="rates")

    @step
    def train(self):
        """One task a rate."""
        self.rate, self.slope = self.input, 0.0
        for _ in range(20):
            errors = [(self.slope * x - y) * x for x, y in self.points]
            self.slope -= self.rate * sum(errors) / len(errors)
        self.loss = sum((self.slope * x - y) ** 2 for x, y in self.points)
        self.next(self.compare)

    @card(type="blank")
    @step
    def compare(self, inputs):
        best = min(inputs, key=lambda task: task.loss)
        self.best_rate, self.slope = best.rate, best.slope
        rows = [[task.rate, round(task.slope, 3), round(task.loss, 3)] for task in inputs]
        current.card.append(Markdown(f"# Best: {best.rate}"))
        current.card.append(Table(rows, headers=["rate", "slope", "loss"]))
        self.next(self.end)

    @step
    def end(self):
        print(f"Best rate {self.best_rate}: slope {self.slope:.3f}")


if __name__ == "__main__":
    HyperparametersFlow()
