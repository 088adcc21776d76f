"""Helper ops that hand on what arrives while it arrives, instead of when all of it is there.

Dagster forbids an op downstream of two dynamic outputs, so between the levels of a foreach, and
before a merge or join in one, the job has helper ops: they collect the items and emit a new dynamic
output. To Dagster such an op starts when the last item is there, and what it emits counts when it
has ended, so the slowest item of each level holds up all others.

Here a helper op starts with the first item, in a thread of its own, takes its values from
`Arrivals`, and whatever it emits becomes steps of the plan at once. To the event log and the UI it
is a step like any other, with a start, outputs and an end. It succeeds when all that Dagster would
have waited for is there. Where something upstream failed, it fails when no more can come; what
depends on all of its items is not executed then, and a re-execution starts it anew.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from dagster import DagsterEvent, Failure

from ..contract import tags
from ._dagster_internals import (
    ActiveExecution,
    ExecutionPlan,
    ExecutionStep,
    StepInput,
    StepOutputHandle,
    UnresolvedCollectExecutionStep,
    UnresolvedMappedExecutionStep,
)
from .arrivals import Arrivals, FromArrivals

_COLLECT, _FAN_OUT, _MERGE, _JOIN_SPLITS = "collect", "fan_out", "merge_items", "join_splits"
_RELAYS = (_FAN_OUT, _MERGE, _JOIN_SPLITS, "join_branches")


@dataclass(frozen=True)
class UsedUp:
    """A fan-out's word that it has emitted all splits of one item."""

    relay: str
    item: str


@dataclass(frozen=True)
class _Feed:
    """An output of a mapped step, whose values a relay takes."""

    step: UnresolvedMappedExecutionStep
    output: str

    @property
    def source(self) -> str:
        """The step whose dynamic output this one is mapped over."""
        return self.step.resolved_by_step_key

    def value(self, item: str) -> StepOutputHandle:
        return StepOutputHandle(self.step.handle.resolve(item).to_key(), self.output)


@dataclass(eq=False)
class _Relay:
    """A helper op that can start before all of its values are there.

    Attributes:
        gates: Steps that Dagster has in between: they collect what this one takes directly.
        opener: The fan-out whose splits this one joins.
        waiting: Values of items that are not complete, by the mapping key of the item.
    """

    step: ExecutionStep | UnresolvedCollectExecutionStep
    kind: str
    feeds: tuple[_Feed, ...]
    gates: frozenset[str]
    opener: str | None = None
    arrivals: Arrivals | None = None
    waiting: dict[str, list[StepOutputHandle]] = field(default_factory=lambda: defaultdict(list))

    @property
    def key(self) -> str:
        return self.step.key


class Relays:
    """The relays of a running plan. Called by the executor's main thread only.

    It looks into ActiveExecution and the plan and adds steps to both; `_dagster_internals` checks
    that they have what is used here.

    Args:
        start: Runs a step in a thread of its own.
        post: Puts a `UsedUp` among the events of the steps.
        is_stopped: Whether the run is being cancelled.
    """

    def __init__(
        self,
        active: ActiveExecution,
        plan: ExecutionPlan,
        start: Callable[[ExecutionStep], None],
        post: Callable[[UsedUp], None],
        is_stopped: Callable[[], bool],
    ) -> None:
        self._active: Any = active
        self._plan: Any = plan
        self._start_step, self._post, self._is_stopped = start, post, is_stopped
        self._relays = _find_relays(plan)
        self.running: set[str] = set()
        self._mapped: dict[str, list[UnresolvedMappedExecutionStep]] = defaultdict(list)
        self._readers: dict[str, list[tuple[_Relay, _Feed]]] = defaultdict(list)
        if not self._relays:
            return
        for step in plan.step_dict.values():
            if isinstance(step, UnresolvedMappedExecutionStep):
                self._mapped[step.resolved_by_step_key].append(step)
        for relay in self._relays.values():
            for feed in relay.feeds:
                self._readers[feed.step.key].append((relay, feed))
        # By the key of a step with a dynamic output: the mapping keys so far, those of a running
        # relay whose values are not stored yet, how many splits of each item, and which items
        # have all of theirs.
        self._items: dict[str, set[str]] = defaultdict(set)
        self._unstored: dict[str, list[str]] = defaultdict(list)
        self._splits: dict[str, Counter[str]] = defaultdict(Counter)
        self._used_up: dict[str, set[str]] = defaultdict(set)
        self._open: Counter[str] = Counter()  # mapped steps that have not ended, by their key
        self._abandoned: set[str] = set()

    def handle(self, event: DagsterEvent) -> bool:
        """Follow an event that ActiveExecution knows of; tells whether there are new steps."""
        if not self._relays or event.step_key is None:
            return False
        key = event.step_key
        if event.is_successful_output:
            item = event.step_output_data.mapping_key
            if item is not None:
                self._emitted(key, item)
        elif event.is_handled_output:
            return self._stored(key)
        elif event.is_step_success or event.is_step_skipped or event.is_step_failure:
            self.running.discard(key)
            self._ended(key, event)
        elif event.is_step_up_for_retry:
            # Dagster has the step wait for all that it depends on to end.
            self._active._pending.get(key, set()).difference_update(self.running)
        return False

    def look_for_abandoned(self) -> None:
        """Dagster gives no event for steps that are not executed as others have failed."""
        if not self._relays or len(self._active._abandoned) == len(self._abandoned):
            return
        for key in self._active._abandoned - self._abandoned:
            self._abandoned.add(key)
            unresolved, item = _unresolved(key)
            if item is not None:
                self._open[unresolved] -= 1
        self._settle()

    def used_up(self, message: UsedUp) -> None:
        """All splits of an item have been emitted."""
        self._used_up[message.relay].add(message.item)
        for relay in self._relays.values():
            if relay.opener == message.relay:
                self._hand_on(relay, message.item)

    def are_idle(self) -> bool:
        """Whether all that are running wait for values."""
        return all(self._arrivals(key).is_idle for key in self.running)

    def give_up(self) -> None:
        """End all that wait though nothing is left that could run."""
        for key in self.running:
            self._arrivals(key).end(_incomplete())

    def _arrivals(self, key: str) -> Arrivals:
        arrivals = self._relays[key].arrivals
        assert arrivals is not None
        return arrivals

    def mappings(self) -> Mapping[str, Mapping[str, list[str]]]:
        """What running relays have emitted so far, in the form of Dagster's known state."""
        gathering = self._active._gathering_dynamic_outputs
        return {
            key: {name: list(items) for name, items in gathering[key].items()}
            for key in self.running
        }

    # -- what has happened ------------------------------------------------------------------

    def _emitted(self, key: str, item: str) -> None:
        self._items[key].add(item)
        if key in self.running:
            self._unstored[key].append(item)
        self._splits[key][_parent(item)] += 1
        for step in self._mapped[key]:
            self._open[step.key] += 1

    def _stored(self, key: str) -> bool:
        """The value of a running relay's last output is there: its steps can start."""
        if key not in self.running:
            return False
        for item in self._unstored.pop(key, ()):
            for mapped in self._mapped[key]:
                self._add(mapped, key, item)
        return True

    def _add(self, mapped: UnresolvedMappedExecutionStep, source: str, item: str) -> None:
        if mapped.handle not in self._plan.step_handles_to_execute:
            return
        (step,) = mapped.resolve({source: {mapped.resolved_by_output_name: [item]}})
        self._put_into_plan(step)
        executable = self._plan.executable_map
        needs = {key for key in step.get_execution_dependency_keys() if key in executable}
        self._active._pending[step.key] = needs - {source}

    def _put_into_plan(self, step: ExecutionStep) -> None:
        self._plan.step_dict[step.handle] = step
        self._plan.step_dict_by_key[step.key] = step
        self._plan.executable_map[step.key] = step.handle

    def _ended(self, key: str, event: DagsterEvent) -> None:
        unresolved, item = _unresolved(key)
        if item is not None:
            self._open[unresolved] -= 1
            for relay, feed in self._readers.get(unresolved, ()):
                handle = feed.value(item)
                if event.is_step_success and handle in self._active._step_outputs:
                    self._arrived(relay, handle, item)
            for relay in self._relays.values():
                if relay.kind == "join_branches":
                    self._hand_on(relay, item)
        self._settle()

    def _arrived(self, relay: _Relay, handle: StepOutputHandle, item: str) -> None:
        if relay.arrivals is None and not self._start(relay):
            return
        assert relay.arrivals is not None
        if relay.kind == _FAN_OUT:
            relay.arrivals.put([handle], lambda: self._post(UsedUp(relay.key, item)))
        elif relay.kind == _MERGE:
            relay.arrivals.put([handle])
        else:
            group = _parent(item) if relay.kind == _JOIN_SPLITS else item
            relay.waiting[group].append(handle)
            self._hand_on(relay, group)

    # -- starting, handing on, ending -------------------------------------------------------

    def _start(self, relay: _Relay) -> bool:
        """Start a relay before its time; False if that has come, or is over."""
        active, plan, key = self._active, self._plan, relay.key
        if relay.step.handle not in plan.step_handles_to_execute:
            return False
        step = plan.step_dict[relay.step.handle]
        needs = active._pending.get(key)
        if needs is not None:
            if all(self._is_done(need) or self._is_lost(need) for need in needs):
                return False
            del active._pending[key]
        elif self._is_under_way(key):
            return False
        relay.arrivals = Arrivals(self._is_stopped)
        (put,) = relay.step.step_inputs
        running = ExecutionStep(
            handle=relay.step.handle,
            job_name=step.job_name,
            step_inputs=[
                StepInput(
                    name=put.name,
                    dagster_type_key=put.dagster_type_key,
                    source=FromArrivals(relay.arrivals),
                )
            ],
            step_outputs=step.step_outputs,
            tags=step.tags,
            pool=step.pool,
        )
        self._put_into_plan(running)
        active._in_flight.add(key)
        active._prep_for_dynamic_outputs(running)
        self.running.add(key)
        self._start_step(running)
        return True

    def _hand_on(self, relay: _Relay, item: str) -> None:
        """Give a join the values of an item, if they are complete."""
        if item not in relay.waiting or relay.arrivals is None:
            return
        if relay.kind == _JOIN_SPLITS:
            opener = str(relay.opener)
            known = item in self._used_up[opener] or self._is_done(opener)
            complete = known and len(relay.waiting[item]) == self._splits[opener][item]
        else:
            complete = not any(self._may_come(feed, item) for feed in relay.feeds)
        if complete:
            relay.arrivals.put(relay.waiting.pop(item))

    def _may_come(self, feed: _Feed, item: str) -> bool:
        """Whether a mapped step may yet yield a value for an item."""
        step_key = feed.value(item).step_key
        if self._is_done(step_key):
            return False
        return step_key in self._plan.step_dict_by_key or self._may_emit(feed.source, item)

    def _may_emit(self, source: str, item: str) -> bool:
        """Whether a dynamic output may yet get this mapping key."""
        if item in self._items[source]:
            return True
        if self._is_done(source):
            return False
        relay = self._relays.get(source)
        if relay is None:
            return True
        if relay.kind == _FAN_OUT:
            outer = _parent(item)
            return outer not in self._used_up[source] and self._can_yield(relay, outer)
        if relay.kind == _JOIN_SPLITS:
            opener = self._relays[str(relay.opener)]
            return item in self._used_up[opener.key] or self._can_yield(opener, item)
        return self._can_yield(relay, item)

    def _can_yield(self, relay: _Relay, item: str) -> bool:
        outputs = self._active._step_outputs
        return any(
            feed.value(item) in outputs or self._may_come(feed, item) for feed in relay.feeds
        )

    def _settle(self) -> None:
        """End the relays that have got all, or will not get more."""
        for key in self.running:
            relay = self._relays[key]
            sources = {feed.source for feed in relay.feeds}
            if any(self._open[feed.step.key] for feed in relay.feeds):
                continue
            if not all(self._is_done(source) or self._is_lost(source) for source in sources):
                continue
            if any(map(self._is_lost, sources)) or any(map(self._has_lost, relay.feeds)):
                self._arrivals(key).end(_incomplete())
            elif all(map(self._is_done, relay.gates)) and not relay.waiting:
                self._arrivals(key).end()

    def _is_done(self, key: str) -> bool:
        return key in self._active._success or key in self._active._skipped

    def _is_under_way(self, key: str) -> bool:
        active = self._active
        waiting = (active._executable, active._pending_skip, active._pending_abandon)
        return (
            key in active._in_flight
            or self._is_done(key)
            or self._is_lost(key)
            or any(key in keys for keys in waiting)
        )

    def _is_lost(self, key: str) -> bool:
        return key in self._active._failed or key in self._active._abandoned

    def _has_lost(self, feed: _Feed) -> bool:
        return any(self._is_lost(feed.value(item).step_key) for item in self._items[feed.source])


def _incomplete() -> Failure:
    return Failure("Not completed: something before it did not succeed.", allow_retries=False)


def _find_relays(plan: ExecutionPlan) -> dict[str, _Relay]:
    """Relays by key: none in a run that re-executes a part of another one."""
    if plan.known_state.parent_state is not None:
        return {}
    steps: dict[str, Any] = dict(plan.step_dict_by_key)
    relays: dict[str, _Relay] = {}
    for step in steps.values():
        kind = step.tags.get(tags.HELPER)
        if kind in _RELAYS and not step.pool:
            feeds, gates = _feeds(step, steps)
            if feeds:
                relays[step.key] = _Relay(step, kind, tuple(feeds), frozenset(gates))
    for relay in relays.values():
        if relay.kind == _JOIN_SPLITS:
            relay.opener = _opener(relay, relays)
    return {k: r for k, r in relays.items() if r.kind != _JOIN_SPLITS or r.opener}


def _feeds(step: Any, steps: Mapping[str, Any]) -> tuple[list[_Feed], set[str]]:
    """What a helper op takes, looking through ops that only collect; none if it is not mapped."""
    feeds: list[_Feed] = []
    gates: set[str] = set()
    for handle in _dependencies(step):
        upstream = steps[handle.step_key]
        if upstream.tags.get(tags.HELPER) == _COLLECT:
            more, further = _feeds(upstream, steps)
            gates |= {upstream.key, *further}
        elif isinstance(upstream, UnresolvedMappedExecutionStep):
            more = [_Feed(upstream, handle.output_name)]
        else:
            more = []
        if not more:
            return [], set()
        feeds += more
    return feeds, gates


def _dependencies(step: Any) -> Iterator[StepOutputHandle]:
    for put in step.step_inputs:
        if isinstance(put, StepInput):
            yield from put.get_step_output_handle_dependencies()
        else:
            yield from put.get_step_output_handle_deps_with_placeholders()


def _opener(relay: _Relay, relays: Mapping[str, _Relay]) -> str | None:
    """The fan-out whose splits a relay joins: fan-outs and joins are nested like brackets."""
    depth, source = 1, relay.feeds[0].source
    while source in relays:
        before = relays[source]
        depth += {_FAN_OUT: -1, _JOIN_SPLITS: 1}.get(before.kind, 0)
        if depth == 0:
            return source
        source = before.feeds[0].source
    return None


def _unresolved(key: str) -> tuple[str, str | None]:
    """The key of a resolved step, with a placeholder for its item, and the item."""
    if not key.endswith("]"):
        return key, None
    name, _, item = key[:-1].rpartition("[")
    return f"{name}[?]", item


def _parent(item: str) -> str:
    return item.rpartition("_")[0]
