"""A flow that runs by itself."""

from metaflow import FlowSpec, schedule, step


@schedule(hourly=True)
class Hourly(FlowSpec):
    @step
    def start(self):
        self.next(self.end)

    @step
    def end(self):
        pass


if __name__ == "__main__":
    Hourly()
