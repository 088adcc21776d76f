"""What every flow of the corpus records, so that a wrong input anywhere shows in the artifacts."""

from metaflow import FlowSpec, current


class TracedFlow(FlowSpec):
    """Each task extends ``trace``: what it saw, after what its input tasks had seen, in order."""

    def mark(self, inputs=None):
        """Record this task: its step, its place in the foreaches around it, and what came before.

        Call it first in each step; a join passes its ``inputs``.
        """
        if inputs is None:
            before = getattr(self, "trace", [])
        else:
            before = [i.trace for i in self.ordered(inputs)]
        self.trace = [*before, (current.step_name, self._place())]
        print(f"{current.step_name}: {self._place()}, then {len(before)} before")

    def ordered(self, inputs):
        """Inputs of a join in an order that does not change from run to run.

        Those of one step are left as they come. Where several steps lead to a join, Metaflow goes
        over them in the order of a set of strings (``direct_parents`` in metaflow/runtime.py).
        """
        inputs = list(inputs)
        if len({i._current_step for i in inputs}) == 1:
            return inputs
        return sorted(inputs, key=lambda i: (self._indices(i), i._current_step))

    @staticmethod
    def _indices(flow):
        return tuple(frame.index for frame in flow._foreach_stack)

    def _place(self):
        try:
            return tuple(self.foreach_stack())
        except AttributeError:
            # A join inside a foreach does not hand on the list that the foreach went over.
            return self._indices(self)
