"""What every flow of the corpus records, so that a wrong input anywhere shows in the artifacts."""

from metaflow import FlowSpec, current


class TracedFlow(FlowSpec):
    """Each task extends ``trace``: what it saw, after what its input tasks had seen, in order."""

    def mark(self, inputs=None):
        """Record this task: its step, its place in the foreaches around it, and what came before.

        Call it first in each step; a join passes its ``inputs``.
        """
        before = getattr(self, "trace", []) if inputs is None else [i.trace for i in inputs]
        self.trace = [*before, (current.step_name, self._place())]
        print(f"{current.step_name}: {self._place()}, then {len(before)} before")

    def _place(self):
        try:
            return tuple(self.foreach_stack())
        except AttributeError:
            # A join inside a foreach does not hand on the list that the foreach went over.
            return tuple(frame.index for frame in self._foreach_stack)
