"""Steps in a row."""

from metaflow import step
from tracing import TracedFlow


class LinearFlow(TracedFlow):
    @step
    def start(self):
        self.mark()
        self.number = 1
        self.next(self.middle)

    @step
    def middle(self):
        self.mark()
        self.number += 1
        self.text = "one\ntwo 'quoted' \u00fc"
        self.next(self.end)

    @step
    def end(self):
        self.mark()
        self.number += 1


if __name__ == "__main__":
    LinearFlow()
