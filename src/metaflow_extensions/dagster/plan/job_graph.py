"""From a flow's shape to ops and the body of the job.

Dagster forbids an op downstream of two dynamic outputs and a fan-in list inside a mapped scope.
So a foreach body is a *scope*: the ops mapped over one dynamic output. Where a body needs what a
scope cannot express, the scope ends: its results are collected, and a helper op emits a new
dynamic output with one entry an item.

- A nested foreach: collect the outer items, fan out one entry for every (i, j).
- A join after it: collect the inner items, emit one entry for every i.
- A merge after a switch, or a join over switches: collect what each way in yielded (skipped items
  drop out by themselves), emit one entry an item.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from ..contract.ops import op_key
from ..graph import FlowShape, StepKind, StepShape
from .model import (
    Arg,
    Call,
    ChoicePlan,
    ForEach,
    HelperOp,
    InputPlan,
    JobGraph,
    OpInput,
    OpOutput,
    Ref,
)
from .names import Namespace, safe_name, safe_names


@dataclass(frozen=True)
class OpSignature:
    """What one op takes and gives; the rest of its plan comes from decorators."""

    step: str
    key: str
    inputs: tuple[InputPlan, ...]
    input_kind: OpInput
    output_kind: OpOutput
    choices: tuple[ChoicePlan, ...]
    split_item: bool


@dataclass
class MappedScope:
    """A dynamic output and what is mapped over it."""

    items: Ref
    function: str
    calls: list[Call] = field(default_factory=list[Call])
    returns: list[Ref] = field(default_factory=list[Ref])
    variables: list[str] = field(default_factory=list[str])


def lay_out_job(shape: FlowShape, reserved: set[str]) -> tuple[tuple[OpSignature, ...], JobGraph]:
    """Lay out the whole job.

    Args:
        shape: The flow.
        reserved: Names in use at module level of the generated file.

    Returns:
        Every op's inputs and outputs in topological order, and the body of the job.
    """
    return _Layout(shape, reserved).run()


class _Layout:
    def __init__(self, shape: FlowShape, reserved: set[str]) -> None:
        self.shape = shape
        self.names = Namespace(reserved)
        self.variables = {step.name: self.names.claim(step.name) for step in shape.steps}
        self.statements: list[Call | MappedScope] = []
        self.scope_of: dict[str, MappedScope | None] = {}
        self.helper_ops: set[HelperOp] = set()
        self.outputs = {step.name: self._output_kind(step) for step in shape.steps}

    def run(self) -> tuple[tuple[OpSignature, ...], JobGraph]:
        signatures = tuple(self._place(step) for step in self.shape.steps)
        statements = tuple(s if isinstance(s, Call) else _finished(s) for s in self.statements)
        used = tuple(kind for kind in HelperOp if kind in self.helper_ops)
        return signatures, JobGraph(statements, used)

    # -- one step ---------------------------------------------------------------------------

    def _place(self, step: StepShape) -> OpSignature:
        input_kind, inputs, args, scope = self._input(step)
        self.scope_of[step.name] = scope
        key = op_key(step.name)
        last = self.outputs[step.name] is OpOutput.NONE
        call = Call("_" if last else self.variables[step.name], key, key, args)
        (self.statements if scope is None else scope.calls).append(call)
        return OpSignature(
            step=step.name,
            key=key,
            inputs=inputs,
            input_kind=input_kind,
            output_kind=self.outputs[step.name],
            choices=tuple(ChoicePlan(out, t) for t, out in safe_names(step.targets).items())
            if self.outputs[step.name] is OpOutput.SWITCH
            else (),
            split_item=self._is_split_item(step),
        )

    def _output_kind(self, step: StepShape) -> OpOutput:
        if step.kind is StepKind.END:
            return OpOutput.NONE
        if step.is_gang:
            return OpOutput.GANG
        if step.kind is StepKind.PARALLEL:
            return OpOutput.FOREACH_DEFERRED
        if step.kind is StepKind.FOREACH:
            # Only an op outside of all scopes may fan out itself, and only to one place.
            alone = len(self.shape[step.targets[0]].sources) == 1
            return OpOutput.FOREACH if step.depth == 0 and alone else OpOutput.FOREACH_DEFERRED
        if self.shape.is_conditional(step.name):
            return OpOutput.SWITCH
        return OpOutput.TASK

    def _is_split_item(self, step: StepShape) -> bool:
        return any(self.shape[s].kind is StepKind.FOREACH for s in step.sources)

    def _input(
        self, step: StepShape
    ) -> tuple[OpInput, tuple[InputPlan, ...], tuple[Arg, ...], MappedScope | None]:
        """Where a step's inputs come from, and the scope that it runs in."""
        if not step.sources:
            return OpInput.RUN_START, (), (), None

        if self._is_split_item(step):
            scope = self._split_scope(step)
            return self._single(OpInput.TASK, step, "str", Arg((Ref("item"),)), scope)

        closes_foreach = step.joins and self.shape[step.joins[0]].kind is StepKind.FOREACH
        if closes_foreach:
            if step.depth:
                scope = self._gather(step, HelperOp.JOIN_SPLITS)
                return self._single(OpInput.LIST, step, "list", Arg((Ref("item"),)), scope)
            return self._single(OpInput.LIST, step, "list", self._collected(step), None)

        refs = [self._ref(source, step.name) for source in step.sources]
        scopes = [self.scope_of[source] for source in step.sources]
        if len(refs) == 1:
            input_kind = OpInput.LIST if step.is_join else OpInput.TASK
            arg = Arg((refs[0],))
            return self._single(input_kind, step, self._type(step), arg, scopes[0])

        together = len({self.shape.edge_guards(s, step.name) for s in step.sources}) == 1
        in_same_scope = all(scope is scopes[0] for scope in scopes)
        if step.is_join and together and in_same_scope:
            inputs = tuple(InputPlan(name, "str") for name in safe_names(step.sources).values())
            args = tuple(Arg((ref,), name=put.name) for ref, put in zip(refs, inputs, strict=True))
            return OpInput.BRANCHES, inputs, args, scopes[0]

        if step.depth:
            if step.is_join:
                scope = self._gather(step, HelperOp.JOIN_BRANCHES)
                return self._single(OpInput.LIST, step, "list", Arg((Ref("item"),)), scope)
            scope = self._gather(step, HelperOp.MERGE_ITEMS)
            return self._single(OpInput.TASK, step, self._type(step), Arg((Ref("item"),)), scope)

        input_kind = OpInput.LIST if step.is_join else OpInput.FIRST_OF
        return self._single(input_kind, step, "list", Arg(tuple(refs), as_list=True), None)

    def _single(
        self, input_kind: OpInput, step: StepShape, type_: str, arg: Arg, scope: MappedScope | None
    ) -> tuple[OpInput, tuple[InputPlan, ...], tuple[Arg, ...], MappedScope | None]:
        source = safe_name(step.sources[0]) if len(step.sources) == 1 else "upstream"
        return input_kind, (InputPlan(source, type_),), (arg,), scope

    def _type(self, step: StepShape) -> str:
        """The type of the value that each way into ``step`` carries."""
        output_kind = self.outputs[step.sources[0]]
        return {OpOutput.GANG: "list", OpOutput.FOREACH_DEFERRED: "dict"}.get(output_kind, "str")

    # -- values and scopes -----------------------------------------------------------------

    def _ref(self, source: str, target: str) -> Ref:
        """The output of ``source`` that leads to ``target``."""
        chosen = self.outputs[source] is OpOutput.SWITCH
        outputs = safe_names(self.shape[source].targets)
        return Ref(self.variables[source], outputs[target] if chosen else None)

    def _collected(self, step: StepShape) -> Arg:
        """All items of every way into ``step``, as one list or as a list of lists."""
        if len(step.sources) == 1:
            source = step.sources[0]
            ref = self._out_of_scope(source, step.name)
            return Arg((ref,), collected=self.scope_of[source] is not None)
        return Arg(tuple(self._packed(s, step.name) for s in step.sources), as_list=True)

    def _packed(self, source: str, target: str) -> Ref:
        """One value for all items that took one way: a fan-in list cannot hold ``collect()``."""
        ref = self._out_of_scope(source, target)
        if self.scope_of[source] is None:
            return ref
        key = f"collect_{source}_for_{target}"
        self.helper_ops.add(HelperOp.COLLECT)
        variable = self.names.claim(key)
        self.statements.append(
            Call(variable, HelperOp.COLLECT.value, key, (Arg((ref,), collected=True),))
        )
        return Ref(variable)

    def _out_of_scope(self, source: str, target: str) -> Ref:
        ref = self._ref(source, target)
        scope = self.scope_of[source]
        if scope is None:
            return ref
        if ref not in scope.returns:
            variable = ref.variable
            if ref.output is not None:
                variable = self.names.claim(f"{source}_to_{target}")
            scope.returns.append(ref)
            scope.variables.append(variable)
        return Ref(scope.variables[scope.returns.index(ref)])

    def _split_scope(self, step: StepShape) -> MappedScope:
        """The scope of a foreach body: the splitting op's own items, or those of a fan-out."""
        source = step.sources[0]
        if self.outputs[source] is OpOutput.FOREACH:
            return self._open_scope(Ref(self.variables[source]), step)
        return self._add_helper(HelperOp.FAN_OUT, f"fan_out_{source}", step)

    def _gather(self, step: StepShape, kind: HelperOp) -> MappedScope:
        return self._add_helper(kind, f"gather_{step.name}", step)

    def _add_helper(self, kind: HelperOp, key: str, step: StepShape) -> MappedScope:
        self.helper_ops.add(kind)
        arg = self._collected(step)
        variable = self.names.claim(key)
        self.statements.append(Call(variable, kind.value, key, (arg,)))
        return self._open_scope(Ref(variable), step)

    def _open_scope(self, items: Ref, step: StepShape) -> MappedScope:
        scope = MappedScope(items, self.names.claim(f"each_{step.name}"))
        self.statements.append(scope)
        return scope


def _finished(scope: MappedScope) -> ForEach:
    return ForEach(
        scope.function,
        scope.items,
        tuple(scope.calls),
        tuple(scope.returns),
        tuple(scope.variables),
    )
