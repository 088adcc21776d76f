"""Random flows that Metaflow accepts: splits, foreaches, switches, loops and gangs in each other.

A flow is a tree first (:data:`Block`), chosen from a seed, then a source text. Which way a switch
goes, how many items a foreach has and how often a loop turns depends on the task's place in the
foreaches around it, so the items of one foreach behave differently, and the same in every run.

Some flows leave a step early, with the exit code 0: a step beside which no other one runs, as it
would be chance which of those had run.

``python -m differential.flowgen SEED`` prints the flow of a seed.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

DEEPEST = 4
"""How many splits, foreaches and switches are in each other at most."""

_HEAD = '''"""Random flow {seed}."""

import os
import sys
import zlib

from metaflow import catch, current, parallel, retry, step
from metaflow.exception import MetaflowException
from tracing import TracedFlow


def choose(flow, ways):
    """A number below ``ways`` that depends on the step and on its place in the foreaches."""
    place = (flow._current_step, *(frame.index for frame in flow._foreach_stack))
    return zlib.crc32(repr(place).encode()) % ways


def note_id(flow, inputs=None):
    """Keep the ids of this task and those before it, how many they are, and if joins take them."""
    before = {{i for one in inputs or () for i in one.ids}} or getattr(flow, "ids", [])
    flow.ids = [*before, current.task_id]
    flow.count_of_ids = len(set(flow.ids))
    if inputs is not None:
        try:
            flow.merge_artifacts(inputs, include=["own_id"])
            flow.ids_conflict = False
        except MetaflowException:
            flow.ids_conflict = True
    flow.own_id = current.task_id


class RandomFlow(TracedFlow):
'''

LEAVES = "  # leaves early"
"""Ends the line of a flow that ends a task's process before the task is done."""

# Not os._exit(0): whether a native task keeps its last lines then is a matter of luck.
_WAYS_OUT = ("sys.exit(0)", "raise SystemExit")
_HANDLERS = ("", "@retry(times=1, minutes_between_retries=0)", '@catch(var="caught")')

_TAIL = """


if __name__ == "__main__":
    RandomFlow()
"""


# -- Trees -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Plain:
    """One step."""


@dataclass(frozen=True)
class Split:
    branches: tuple[tuple[Block, ...], ...]


@dataclass(frozen=True)
class Foreach:
    body: tuple[Block, ...]
    most: int
    """Items at most."""


@dataclass(frozen=True)
class Gang:
    size: int


@dataclass(frozen=True)
class Switch:
    """What follows is where the branches merge; an empty branch goes straight there."""

    branches: tuple[tuple[Block, ...], ...]
    loops: bool
    """Goes back to itself for a while before it takes a branch."""
    skips: tuple[tuple[int, int], ...]
    """More ways: (branch, block of it), the block not being the branch's first."""
    shares: tuple[int, ...]
    """More ways, to blocks in later branches of the switch around this one."""


Block = Plain | Split | Foreach | Gang | Switch


def random_tree(seed: int) -> tuple[Block, ...]:
    """The blocks between the first step and the last one."""
    rng = random.Random(seed)
    return _sequence(rng, _Budget(rng.choice([6, 10, 16, 24, 36])), 0, 1)


@dataclass
class _Budget:
    """How many tasks the flow may still get."""

    left: int


def _sequence(rng: random.Random, budget: _Budget, depth: int, times: int) -> tuple[Block, ...]:
    """One or more blocks, each of which runs up to ``times`` times."""
    blocks = [_block(rng, budget, depth, times)]
    while budget.left >= times and rng.random() < (0.7 if depth == 0 else 0.3):
        blocks.append(_block(rng, budget, depth, times))
    return tuple(blocks)


def _block(rng: random.Random, budget: _Budget, depth: int, times: int) -> Block:
    budget.left -= times
    if depth >= DEEPEST or budget.left < 3 * times:
        return Plain()
    kind = rng.choices(
        ["plain", "split", "foreach", "switch", "loop", "gang"], [2, 2, 4, 4, 1.5, 0.7]
    )[0]
    if kind == "plain":
        return Plain()
    budget.left -= times  # the join or, for a switch, mostly another step
    if kind == "gang":
        size = rng.choice([1, 2, 3])
        budget.left -= size * times
        return Gang(size)
    if kind == "foreach":
        most = rng.choice([1, 2, 2, 3])
        return Foreach(_sequence(rng, budget, depth + 1, times * most), most)
    count = rng.choice([2, 2, 3])
    if kind == "split":
        return Split(tuple(_sequence(rng, budget, depth + 1, times) for _ in range(count)))
    count -= kind == "loop"
    branches = tuple(
        () if rng.random() < 0.25 else _sequence(rng, budget, depth + 1, times)
        for _ in range(count)
    )
    skips = tuple(
        (number, place)
        for number, branch in enumerate(branches)
        for place in range(1, len(branch))
        if rng.random() < 0.4
    )
    shares = tuple(rng.randrange(4) for _ in range(rng.choice([0, 0, 1, 2])))
    return Switch(branches, kind == "loop", skips, shares)


def smaller(tree: tuple[Block, ...]) -> Iterator[tuple[Block, ...]]:
    """Trees that are a little simpler, the simplest first: to find out what a failure needs."""
    for place, block in enumerate(tree):
        before, after = tree[:place], tree[place + 1 :]
        if len(tree) > 1:
            yield before + after
        if not isinstance(block, Plain):
            yield (*before, Plain(), *after)
        for inside in _insides(block):
            yield before + inside + after
        for simpler in _simpler(block):
            yield (*before, simpler, *after)


def _insides(block: Block) -> tuple[tuple[Block, ...], ...]:
    if isinstance(block, Foreach):
        return (block.body,)
    if isinstance(block, (Split, Switch)):
        return tuple(branch for branch in block.branches if branch)
    return ()


def _simpler(block: Block) -> Iterator[Block]:
    if isinstance(block, Gang) and block.size > 1:
        yield Gang(1)
    elif isinstance(block, Foreach):
        if block.most > 1:
            yield replace(block, most=block.most - 1)
        for body in smaller(block.body):
            yield replace(block, body=body)
    elif isinstance(block, (Split, Switch)):
        if isinstance(block, Switch):
            if block.loops and len(block.branches) > 1:
                yield replace(block, loops=False)
            if block.skips or block.shares:
                yield replace(block, skips=(), shares=())
        fewest = 1 if isinstance(block, Switch) and block.loops else 2
        for place, branch in enumerate(block.branches):
            before, after = block.branches[:place], block.branches[place + 1 :]
            if len(block.branches) > fewest:
                yield _with_branches(block, before + after)
            for simpler in smaller(branch):
                yield _with_branches(block, (*before, simpler, *after))


def _with_branches(block: Split | Switch, branches: tuple[tuple[Block, ...], ...]) -> Block:
    if isinstance(block, Split):
        return replace(block, branches=branches)
    skips = tuple(
        (branch, place)
        for branch, place in block.skips
        if branch < len(branches) and place < len(branches[branch])
    )
    return replace(block, branches=branches, skips=skips)


# -- Source ----------------------------------------------------------------------------------


def random_flow(seed: int) -> str:
    """The source of the flow of a seed."""
    return write(random_tree(seed), seed)


def write(tree: tuple[Block, ...], seed: int) -> str:
    """The source of the flow of a tree."""
    writer = _Writer()
    start = writer.step("start")
    entries, ends = writer.sequence(tree, [])
    start.targets = [entries[0]]
    end = writer.step("end")
    end.kind = "end"
    writer.link(ends, "end")
    writer.leave(random.Random(f"leave {seed}"))
    return _HEAD.format(seed=seed) + "\n\n".join(map(_method, writer.steps)) + _TAIL


@dataclass
class _Step:
    name: str
    kind: str = "linear"
    targets: list[str] = field(default_factory=list)
    takes_inputs: bool = False
    in_gang: bool = False
    number: int = 0
    """Items at most, or the size of the gang that follows."""
    always_alone: bool = False
    """Runs in any case, and nothing beside it."""
    way_out: str = ""
    handler: str = ""


_End = tuple[_Step, int]
"""A transition whose target is not known yet: a step, and the place in its targets."""


class _Writer:
    def __init__(self) -> None:
        self.steps: list[_Step] = []
        self._company = 0  # blocks around the next step in which others run, or it may not

    def step(self, prefix: str, **facts: object) -> _Step:
        name = prefix if prefix in ("start", "end") else f"{prefix}{len(self.steps)}"
        step = _Step(name, targets=[""], always_alone=self._company == 0)
        for fact, value in facts.items():
            setattr(step, fact, value)
        self.steps.append(step)
        return step

    def leave(self, rng: random.Random) -> None:
        """Have a step end its process early, in some flows."""
        if rng.random() < 0.3:
            # Natively a last step, or a gang, that leaves counts as done; here it does not.
            alone = [s for s in self.steps if s.always_alone and s.kind != "end" and not s.in_gang]
            step = rng.choice(alone)
            step.way_out = rng.choice(_WAYS_OUT)
            # Metaflow's rule: @catch is not for steps that begin a foreach or a switch.
            step.handler = rng.choice(_HANDLERS[: 3 if step.kind == "linear" else 2])

    def link(self, ends: list[_End], target: str) -> None:
        for step, place in ends:
            step.targets[place] = target

    def sequence(
        self, blocks: tuple[Block, ...], shared: list[str]
    ) -> tuple[list[str], list[_End]]:
        """Write blocks one after the other.

        Args:
            blocks: At least one.
            shared: Steps of the switch around these blocks that they may lead to as well.

        Returns:
            The first step of each block, and the ends of the last one.
        """
        entries: list[str] = []
        ends: list[_End] = []
        for block in blocks:
            entry, next_ends = self.block(block, shared)
            self.link(ends, entry)
            entries.append(entry)
            ends = next_ends
        return entries, ends

    def block(self, block: Block, shared: list[str]) -> tuple[str, list[_End]]:
        if isinstance(block, Plain):
            step = self.step("plain")
            return step.name, [(step, 0)]
        if isinstance(block, Switch):
            return self.switch(block, shared)
        if isinstance(block, Gang):
            opener = self.step("crew", kind="parallel", number=block.size)
            self._company += 1
            gang = self.step("gang", in_gang=True)
            self._company -= 1
            opener.targets = [gang.name]
            return opener.name, self.join([(gang, 0)])
        if isinstance(block, Foreach):
            opener = self.step("each", kind="foreach", number=block.most)
            self._company += block.most > 1
            entries, ends = self.sequence(block.body, [])
            self._company -= block.most > 1
            opener.targets = [entries[0]]
            return opener.name, self.join(ends)
        opener = self.step("split", kind="split")
        self._company += 1
        written = [self.sequence(branch, []) for branch in block.branches]
        self._company -= 1
        opener.targets = [entries[0] for entries, _ in written]
        return opener.name, self.join([end for _, ends in written for end in ends])

    def join(self, ends: list[_End]) -> list[_End]:
        join = self.step("join", takes_inputs=True)
        for end in ends:
            if end[0].kind == "switch":
                # Metaflow's rule: a conditional transition may not lead to a join.
                between = self.step("between", always_alone=False)
                self.link([end], between.name)
                end = (between, 0)
            self.link([end], join.name)
        return [(join, 0)]

    def switch(self, block: Switch, shared: list[str]) -> tuple[str, list[_End]]:
        step = self.step("again" if block.loops else "decide", kind="switch")
        step.targets = [step.name] if block.loops else []
        later: list[str] = []
        inside: list[list[str]] = []
        open_ends: list[_End] = []
        firsts: list[str] = []
        self._company += 1
        for branch in reversed(block.branches):
            # Later branches are written first, so that earlier ones may lead into them.
            entries, ends = self.sequence(branch, list(later)) if branch else ([""], [])
            open_ends += ends
            firsts.insert(0, entries[0])
            inside.insert(0, entries)
            later += [entry for entry in entries if entry]
        self._company -= 1
        more = [inside[branch][place] for branch, place in block.skips]
        more += [shared[number % len(shared)] for number in block.shares if shared]
        for target in [*firsts, *more]:
            if not target:
                open_ends.append((step, len(step.targets)))
            step.targets.append(target)
        return step.name, open_ends


def _method(step: _Step) -> str:
    lines = ["@parallel"] if step.in_gang else []
    lines += [step.handler] if step.handler else []
    lines += ["@step", f"def {step.name}(self{', inputs' if step.takes_inputs else ''}):"]
    inputs = ["inputs"] if step.takes_inputs else []
    body = [f"self.mark({', '.join(inputs)})", f"note_id({', '.join(['self', *inputs])})"]
    body += [step.way_out + LEAVES] if step.way_out else []
    targets = [f"self.{target}" for target in step.targets]
    if step.kind == "foreach":
        body += [f"self.items_{step.name} = list(range(1 + choose(self, {step.number})))"]
        body += [f'self.next({targets[0]}, foreach="items_{step.name}")']
    elif step.kind == "parallel":
        body += [f"self.next({targets[0]}, num_parallel={step.number})"]
    elif step.kind == "switch":
        body += _choice(step)
        cases = ", ".join(f"{number}: {target}" for number, target in enumerate(targets))
        body += [f'self.next({{{cases}}}, condition="way_{step.name}")']
    elif step.kind != "end":
        body += [f"self.next({', '.join(targets)})"]
    lines += ["    " + line for line in body]
    return "\n".join("    " + line for line in lines)


def _choice(step: _Step) -> list[str]:
    ways, way = len(step.targets), f"self.way_{step.name}"
    if step.targets[0] != step.name:
        return [f"{way} = choose(self, {ways})"]
    turns = f"self.turns_{step.name}"
    return [
        f'{turns} = getattr(self, "turns_{step.name}", 0) + 1',
        f"done = {turns} > choose(self, 3)",
        f"{way} = 1 + choose(self, {ways - 1}) if done else 0",
    ]


if __name__ == "__main__":
    print(random_flow(int(sys.argv[1])), end="")
