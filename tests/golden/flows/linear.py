from metaflow import FlowSpec, catch, retry, step, timeout


class LinearFlow(FlowSpec):
    """Loads, trains, ends."""

    @step
    def start(self):
        """Load the data."""
        self.next(self.train)

    @retry(times=2, minutes_between_retries=1)
    @catch(var="problem")
    @timeout(seconds=300)
    @step
    def train(self):
        self.next(self.end)

    @step
    def end(self):
        pass


if __name__ == "__main__":
    LinearFlow()
