"""Unbounded foreaches other than ``@parallel``: a control task counts the splits and runs them."""

from metaflow import step, unbounded_test_foreach_internal
from metaflow.plugins import InternalTestUnboundedForeachInput as Unbounded
from tracing import TracedFlow


class UnboundedForeachFlow(TracedFlow):
    @step
    def start(self):
        self.mark()
        self.letters = Unbounded(["a", "b"])
        self.next(self.spell, foreach="letters")

    @unbounded_test_foreach_internal
    @step
    def spell(self):
        self.letter = (self.index, self.input)
        self.next(self.spelled)

    @step
    def spelled(self, inputs):
        self.word = [i.letter for i in inputs]
        self.next(self.between)

    @step
    def between(self):
        self.mark()
        self.items = [1, 2]
        self.next(self.item, foreach="items")

    @step
    def item(self):
        self.count = self.input
        self.numbers = Unbounded(list(range(self.input)))
        self.next(self.number, foreach="numbers")

    @unbounded_test_foreach_internal
    @step
    def number(self):
        self.result = (self.count, self.input)
        self.next(self.number_join)

    @step
    def number_join(self, inputs):
        self.results = [i.result for i in inputs]
        self.next(self.item_join)

    @step
    def item_join(self, inputs):
        self.results = [i.results for i in inputs]
        self.next(self.end)

    @step
    def end(self):
        pass


if __name__ == "__main__":
    UnboundedForeachFlow()
