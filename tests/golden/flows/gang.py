from metaflow import Config, FlowSpec, current, environment, parallel, project, resources, step


@project(name="vision")
class GangFlow(FlowSpec):
    settings = Config("settings", default_value='{"nodes": 2}')

    @step
    def start(self):
        self.items = ["x", "y"]
        self.next(self.prepare, foreach="items")

    @resources(cpu=2, memory=16000)
    @environment(vars={"MODE": "gang"})
    @step
    def prepare(self):
        self.next(self.train, num_parallel=2)

    @parallel
    @step
    def train(self):
        self.node = current.parallel.node_index
        self.next(self.collect)

    @step
    def collect(self, inputs):
        self.nodes = [i.node for i in inputs]
        self.next(self.join)

    @step
    def join(self, inputs):
        self.nodes = [i.nodes for i in inputs]
        self.next(self.end)

    @step
    def end(self):
        pass


if __name__ == "__main__":
    GangFlow()
