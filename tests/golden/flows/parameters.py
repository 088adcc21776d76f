from metaflow import FlowSpec, JSONType, Parameter, step


class ParametersFlow(FlowSpec):
    learning_rate = Parameter("learning_rate", default=0.001, help="Learning rate for training")
    max_n = Parameter("max-n", default=10)
    city = Parameter("city", required=True)
    verbose = Parameter("verbose", default=False)
    options = Parameter("options", type=JSONType, default='{"a": [1, 2]}')

    @step
    def start(self):
        self.next(self.end)

    @step
    def end(self):
        pass


if __name__ == "__main__":
    ParametersFlow()
