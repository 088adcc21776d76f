"""Task ids are unique in the run, so that people can name files by them."""

import re

from metaflow import current, step
from metaflow.exception import MetaflowException
from tracing import TracedFlow


class TaskIdsFlow(TracedFlow):
    def note(self, before=()):
        self.ids = [*before, current.task_id]

    @step
    def start(self):
        self.note()
        self.next(self.left, self.right)

    @step
    def left(self):
        self.note(self.ids)
        self.x = current.task_id
        self.items = [1, 2]
        self.next(self.item, foreach="items")

    @step
    def item(self):
        self.note(self.ids)
        self.rounds = 0
        self.next(self.again)

    @step
    def again(self):
        self.note(self.ids)
        self.rounds += 1
        self.way = "on" if self.rounds < 2 else "out"
        self.next({"on": self.again, "out": self.done}, condition="way")

    @step
    def done(self):
        self.note(self.ids)
        self.next(self.collect)

    @step
    def collect(self, inputs):
        self.note(sorted({task_id for i in inputs for task_id in i.ids}))
        self.x = inputs[0].x
        self.next(self.join)

    @step
    def right(self):
        self.note(self.ids)
        self.x = current.task_id
        self.next(self.join)

    @step
    def join(self, inputs):
        self.note(sorted({task_id for i in inputs for task_id in i.ids}))
        try:
            self.merge_artifacts(inputs, include=["x"])
            self.conflict = None
        except MetaflowException as error:
            self.conflict = type(error).__name__
        self.next(self.end)

    @step
    def end(self):
        # start, left, two items, their rounds and ends, collect, right, join
        self.count = len(set(self.ids))
        self.are_plain = all(re.fullmatch(r"[\w.-]+", task_id) for task_id in self.ids)
        del self.ids


if __name__ == "__main__":
    TaskIdsFlow()
