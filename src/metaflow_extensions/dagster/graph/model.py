"""The shape of a flow, as plain frozen data."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class StepKind(str, Enum):
    """What a step's ``self.next`` does."""

    LINEAR = "linear"
    SPLIT = "split"
    FOREACH = "foreach"
    PARALLEL = "parallel"
    """``num_parallel`` or an unbounded foreach: the next step is a gang that joins next."""
    SWITCH = "switch"
    LOOP = "loop"
    """A switch that may transition to itself."""
    END = "end"


@dataclass(frozen=True)
class Guard:
    """One condition on the way to a step.

    ``share`` weighs it: a switch divides its weight evenly over its distinct targets. Weights
    serve only to see whether a merge step is reached whatever the switches before it choose.
    """

    switch: str
    target: str
    share: float


@dataclass(frozen=True)
class StepShape:
    """One step of a flow.

    ``targets`` are the distinct next steps without the step itself, in the order of the source.
    ``sources`` are the steps that lead here, sorted by name as Metaflow sorts ``in_funcs``.
    ``foreaches`` are the open foreach steps around this step, outermost first (gangs of
    ``num_parallel`` not counted). ``guards`` are the switch decisions that this step depends on.
    """

    name: str
    kind: StepKind
    targets: tuple[str, ...]
    sources: tuple[str, ...]
    foreaches: tuple[str, ...]
    guards: tuple[Guard, ...]
    is_join: bool
    joins: tuple[str, ...]
    """The split, foreach or num_parallel step that a join closes; several where a switch leads to
    one of several with the same branches."""
    is_gang: bool
    """Runs as a gang of tasks started by its control task."""
    doc: str = ""

    @property
    def depth(self) -> int:
        """How many foreach indices name a task of this step."""
        return len(self.foreaches)


@dataclass(frozen=True)
class FlowShape:
    """All steps of a flow in topological order."""

    name: str
    start: str
    end: str
    steps: tuple[StepShape, ...]
    doc: str = ""

    def __getitem__(self, name: str) -> StepShape:
        for step in self.steps:
            if step.name == name:
                return step
        raise KeyError(name)

    def is_conditional(self, source: str) -> bool:
        """Whether ``source`` chooses between several next steps."""
        step = self[source]
        return step.kind in (StepKind.SWITCH, StepKind.LOOP) and len(step.targets) > 1

    def edge_guards(self, source: str, target: str) -> tuple[Guard, ...]:
        """The decisions that lead along one edge."""
        step = self[source]
        if not self.is_conditional(source):
            return step.guards
        return (*step.guards, Guard(source, target, 1 / len(step.targets)))
