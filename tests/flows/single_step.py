"""One step that is start and end at once."""

from metaflow import step
from tracing import TracedFlow


class SingleStepFlow(TracedFlow):
    @step
    def only(self):
        self.mark()
        self.value = {"answer": 42}


if __name__ == "__main__":
    SingleStepFlow()
