"""Foreaches over a tuple, a string, dict items, a range and a single item."""

from metaflow import step
from tracing import TracedFlow


class ForeachKindsFlow(TracedFlow):
    @step
    def start(self):
        self.mark()
        self.text = "ab"
        self.next(self.letter, foreach="text")

    @step
    def letter(self):
        self.mark()
        self.found = self.input
        self.next(self.got_letters)

    @step
    def got_letters(self, inputs):
        self.mark(inputs)
        self.found = [i.found for i in self.ordered(inputs)]
        self.next(self.pairs_next)

    @step
    def pairs_next(self):
        self.mark()
        self.pairs = {"k": 1, "l": [2, {"m": None}]}.items()
        self.pairs = tuple(self.pairs)
        self.next(self.pair, foreach="pairs")

    @step
    def pair(self):
        self.mark()
        self.found = self.input
        self.next(self.got_pairs)

    @step
    def got_pairs(self, inputs):
        self.mark(inputs)
        self.found = [i.found for i in self.ordered(inputs)]
        self.next(self.numbers_next)

    @step
    def numbers_next(self):
        self.mark()
        self.numbers = range(5, 7)
        self.next(self.number, foreach="numbers")

    @step
    def number(self):
        self.mark()
        self.found = self.input
        self.next(self.got_numbers)

    @step
    def got_numbers(self, inputs):
        self.mark(inputs)
        self.found = [i.found for i in self.ordered(inputs)]
        self.next(self.one_next)

    @step
    def one_next(self):
        self.mark()
        self.one = [None]
        self.next(self.single, foreach="one")

    @step
    def single(self):
        self.mark()
        self.found = self.input
        self.next(self.got_single)

    @step
    def got_single(self, inputs):
        self.mark(inputs)
        self.found = [i.found for i in self.ordered(inputs)]
        self.next(self.end)

    @step
    def end(self):
        self.mark()


if __name__ == "__main__":
    ForeachKindsFlow()
