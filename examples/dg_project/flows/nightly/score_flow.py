"""Applies the latest model each night."""

from metaflow import Flow, FlowSpec, schedule, step


@schedule(daily=True)
class ScoreFlow(FlowSpec):
    """Scores three customers at the same time."""

    @step
    def start(self):
        self.model = Flow("TrainFlow").latest_successful_run.data.model
        self.customers = [1, 2, 3]
        self.next(self.score, foreach="customers")

    @step
    def score(self):
        self.score_of = (self.input, self.model * self.input)
        self.next(self.join)

    @step
    def join(self, inputs):
        self.scores = dict(task.score_of for task in inputs)
        self.next(self.end)

    @step
    def end(self):
        print(self.scores)


if __name__ == "__main__":
    ScoreFlow()
