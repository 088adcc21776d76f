"""A static split of three branches, not in alphabetical order."""

from metaflow import step
from tracing import TracedFlow


class SplitFlow(TracedFlow):
    @step
    def start(self):
        self.mark()
        self.common = "c"
        self.next(self.charlie, self.alpha, self.bravo)

    @step
    def charlie(self):
        self.mark()
        self.x = 3
        self.next(self.gather)

    @step
    def alpha(self):
        self.mark()
        self.x = 1
        self.next(self.gather)

    @step
    def bravo(self):
        self.mark()
        self.x = 2
        self.next(self.gather)

    @step
    def gather(self, inputs):
        self.mark(inputs)
        self.xs = [i.x for i in self.ordered(inputs)]
        self.named = (inputs.alpha.x, inputs.bravo.x, inputs.charlie.x)
        self.merge_artifacts(inputs, exclude=["x", "trace"])
        self.next(self.end)

    @step
    def end(self):
        self.mark()


if __name__ == "__main__":
    SplitFlow()
