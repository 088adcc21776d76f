from metaflow import FlowSpec, current, project, step


@project(name="shop")
class Shop(FlowSpec):
    @step
    def start(self):
        self.namespace = current.namespace
        self.next(self.end)

    @step
    def end(self):
        pass


if __name__ == "__main__":
    Shop()
