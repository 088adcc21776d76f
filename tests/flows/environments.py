from metaflow import FlowSpec, conda, pypi, step


class EnvironmentsFlow(FlowSpec):
    @conda(disabled=True)
    @step
    def start(self):
        self.items = ["a", "b"]
        self.next(self.work, foreach="items")

    @conda(packages={"widget": ">=1"})
    @step
    def work(self):
        import widget

        self.version = widget.VERSION
        self.next(self.join)

    @pypi(packages={"gadget": ">=1"})
    @step
    def join(self, inputs):
        import gadget

        self.versions = [gadget.VERSION, *(i.version for i in inputs)]
        self.next(self.end)

    @conda(disabled=True)
    @step
    def end(self):
        print(self.versions)


if __name__ == "__main__":
    EnvironmentsFlow()
