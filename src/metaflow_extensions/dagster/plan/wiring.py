"""From a flow's shape to ops and the body of the job.

Dagster forbids an op downstream of two dynamic outputs and a fan-in list inside a mapped scope.
So a foreach body is a *stream*: the ops mapped over one dynamic output. Where a body needs what a
stream cannot express, the stream ends: its results are collected, and a plumbing op emits a new
dynamic output with one entry an item.

- A nested foreach: collect the outer items, fan out one entry for every (i, j).
- A join after it: collect the inner items, emit one entry for every i.
- A merge after a switch, or a join over switches: collect what each way in yielded (skipped items
  drop out by themselves), emit one entry an item.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from ..graph import FlowShape, StepKind, StepShape
from .model import (
    Arg,
    Arrival,
    Call,
    ChoicePlan,
    Departure,
    ForEach,
    InputPlan,
    Plumbing,
    Ref,
    Wiring,
)
from .names import Namespace, safe_name, safe_names


@dataclass(frozen=True)
class StepPorts:
    """What one op takes and gives; the rest of its plan comes from decorators."""

    step: str
    key: str
    inputs: tuple[InputPlan, ...]
    arrival: Arrival
    departure: Departure
    choices: tuple[ChoicePlan, ...]
    split_item: bool


@dataclass
class _Stream:
    """A dynamic output and what is mapped over it."""

    items: Ref
    function: str
    calls: list[Call] = field(default_factory=list)
    returns: list[Ref] = field(default_factory=list)
    variables: list[str] = field(default_factory=list)


def wire(shape: FlowShape, reserved: set[str]) -> tuple[tuple[StepPorts, ...], Wiring]:
    """Lay out the whole job.

    Args:
        shape: The flow.
        reserved: Names in use at module level of the generated file.

    Returns:
        Every op's inputs and outputs in topological order, and the body of the job.
    """
    return _Wirer(shape, reserved).run()


class _Wirer:
    def __init__(self, shape: FlowShape, reserved: set[str]) -> None:
        self.shape = shape
        self.names = Namespace(reserved)
        self.variables = {step.name: self.names.claim(step.name) for step in shape.steps}
        self.statements: list[Call | _Stream] = []
        self.stream_of: dict[str, _Stream | None] = {}
        self.plumbing: set[Plumbing] = set()
        self.departures = {step.name: self._departure(step) for step in shape.steps}

    def run(self) -> tuple[tuple[StepPorts, ...], Wiring]:
        ports = tuple(self._place(step) for step in self.shape.steps)
        statements = tuple(s if isinstance(s, Call) else _finished(s) for s in self.statements)
        used = tuple(kind for kind in Plumbing if kind in self.plumbing)
        return ports, Wiring(statements, used)

    # -- one step ---------------------------------------------------------------------------

    def _place(self, step: StepShape) -> StepPorts:
        arrival, inputs, args, stream = self._arrive(step)
        self.stream_of[step.name] = stream
        key = f"op_{step.name}"
        last = self.departures[step.name] is Departure.NOTHING
        call = Call("_" if last else self.variables[step.name], key, key, args)
        (self.statements if stream is None else stream.calls).append(call)
        return StepPorts(
            step=step.name,
            key=key,
            inputs=inputs,
            arrival=arrival,
            departure=self.departures[step.name],
            choices=tuple(ChoicePlan(out, t) for t, out in safe_names(step.targets).items())
            if self.departures[step.name] is Departure.CHOICE
            else (),
            split_item=self._is_split_item(step),
        )

    def _departure(self, step: StepShape) -> Departure:
        if step.kind is StepKind.END:
            return Departure.NOTHING
        if step.is_gang:
            return Departure.GANG
        if step.kind is StepKind.PARALLEL:
            return Departure.SPLITS
        if step.kind is StepKind.FOREACH:
            # Only an op outside of all streams may fan out itself, and only to one place.
            alone = len(self.shape[step.targets[0]].sources) == 1
            return Departure.ITEMS if step.depth == 0 and alone else Departure.SPLITS
        if self.shape.is_conditional(step.name):
            return Departure.CHOICE
        return Departure.TASK

    def _is_split_item(self, step: StepShape) -> bool:
        return any(self.shape[s].kind is StepKind.FOREACH for s in step.sources)

    def _arrive(
        self, step: StepShape
    ) -> tuple[Arrival, tuple[InputPlan, ...], tuple[Arg, ...], _Stream | None]:
        """Where a step's inputs come from, and the stream that it runs in."""
        if not step.sources:
            return Arrival.PARAMETERS, (), (), None

        if self._is_split_item(step):
            stream = self._split_stream(step)
            return self._single(Arrival.TASK, step, "str", Arg((Ref("item"),)), stream)

        closes_foreach = step.joins and self.shape[step.joins[0]].kind is StepKind.FOREACH
        if closes_foreach:
            if step.depth:
                stream = self._gather(step, Plumbing.JOIN_SPLITS)
                return self._single(Arrival.MANY, step, "list", Arg((Ref("item"),)), stream)
            return self._single(Arrival.MANY, step, "list", self._collected(step), None)

        refs = [self._ref(source, step.name) for source in step.sources]
        streams = [self.stream_of[source] for source in step.sources]
        if len(refs) == 1:
            arrival = Arrival.MANY if step.is_join else Arrival.TASK
            arg = Arg((refs[0],))
            return self._single(arrival, step, self._type(step), arg, streams[0])

        together = len({self.shape.edge_guards(s, step.name) for s in step.sources}) == 1
        same_stream = all(stream is streams[0] for stream in streams)
        if step.is_join and together and same_stream:
            inputs = tuple(InputPlan(name, "str") for name in safe_names(step.sources).values())
            args = tuple(Arg((ref,), name=put.name) for ref, put in zip(refs, inputs, strict=True))
            return Arrival.BRANCHES, inputs, args, streams[0]

        if step.depth:
            if step.is_join:
                stream = self._gather(step, Plumbing.JOIN_BRANCHES)
                return self._single(Arrival.MANY, step, "list", Arg((Ref("item"),)), stream)
            stream = self._gather(step, Plumbing.MERGE_ITEMS)
            return self._single(Arrival.TASK, step, self._type(step), Arg((Ref("item"),)), stream)

        arrival = Arrival.MANY if step.is_join else Arrival.FIRST
        return self._single(arrival, step, "list", Arg(tuple(refs), as_list=True), None)

    def _single(
        self, arrival: Arrival, step: StepShape, type_: str, arg: Arg, stream: _Stream | None
    ) -> tuple[Arrival, tuple[InputPlan, ...], tuple[Arg, ...], _Stream | None]:
        source = safe_name(step.sources[0]) if len(step.sources) == 1 else "upstream"
        return arrival, (InputPlan(source, type_),), (arg,), stream

    def _type(self, step: StepShape) -> str:
        """The type of the value that each way into ``step`` carries."""
        departure = self.departures[step.sources[0]]
        return {Departure.GANG: "list", Departure.SPLITS: "dict"}.get(departure, "str")

    # -- values and streams -----------------------------------------------------------------

    def _ref(self, source: str, target: str) -> Ref:
        """The output of ``source`` that leads to ``target``."""
        chosen = self.departures[source] is Departure.CHOICE
        outputs = safe_names(self.shape[source].targets)
        return Ref(self.variables[source], outputs[target] if chosen else None)

    def _collected(self, step: StepShape) -> Arg:
        """All items of every way into ``step``, as one list or as a list of lists."""
        if len(step.sources) == 1:
            source = step.sources[0]
            ref = self._out_of_stream(source, step.name)
            return Arg((ref,), collected=self.stream_of[source] is not None)
        return Arg(tuple(self._packed(s, step.name) for s in step.sources), as_list=True)

    def _packed(self, source: str, target: str) -> Ref:
        """One value for all items that took one way: a fan-in list cannot hold ``collect()``."""
        ref = self._out_of_stream(source, target)
        if self.stream_of[source] is None:
            return ref
        key = f"collect_{source}_for_{target}"
        self.plumbing.add(Plumbing.COLLECT)
        variable = self.names.claim(key)
        self.statements.append(
            Call(variable, Plumbing.COLLECT.value, key, (Arg((ref,), collected=True),))
        )
        return Ref(variable)

    def _out_of_stream(self, source: str, target: str) -> Ref:
        ref = self._ref(source, target)
        stream = self.stream_of[source]
        if stream is None:
            return ref
        if ref not in stream.returns:
            variable = ref.variable
            if ref.output is not None:
                variable = self.names.claim(f"{source}_to_{target}")
            stream.returns.append(ref)
            stream.variables.append(variable)
        return Ref(stream.variables[stream.returns.index(ref)])

    def _split_stream(self, step: StepShape) -> _Stream:
        """The stream of a foreach body: the splitting op's own items, or those of a fan-out."""
        source = step.sources[0]
        if self.departures[source] is Departure.ITEMS:
            return self._open_stream(Ref(self.variables[source]), step)
        return self._plumb(Plumbing.FAN_OUT, f"fan_out_{source}", step)

    def _gather(self, step: StepShape, kind: Plumbing) -> _Stream:
        return self._plumb(kind, f"gather_{step.name}", step)

    def _plumb(self, kind: Plumbing, key: str, step: StepShape) -> _Stream:
        self.plumbing.add(kind)
        arg = self._collected(step)
        variable = self.names.claim(key)
        self.statements.append(Call(variable, kind.value, key, (arg,)))
        return self._open_stream(Ref(variable), step)

    def _open_stream(self, items: Ref, step: StepShape) -> _Stream:
        stream = _Stream(items, self.names.claim(f"each_{step.name}"))
        self.statements.append(stream)
        return stream


def _finished(stream: _Stream) -> ForEach:
    return ForEach(
        stream.function,
        stream.items,
        tuple(stream.calls),
        tuple(stream.returns),
        tuple(stream.variables),
    )
