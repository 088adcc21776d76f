"""Which steps to start next, in Dagster's order, without asking Dagster more than needed."""

import heapq
import itertools
import time
from collections.abc import Iterable
from typing import Any

from ._dagster_internals import (
    GLOBAL_CONCURRENCY_TAG,
    PRIORITY_TAG,
    ActiveExecution,
    ExecutionPlan,
    ExecutionStep,
)

UPDATE_INTERVAL = 0.05  # seconds between looks for newly ready steps while others wait for a thread


class Backlog:
    """Steps that are ready to run.

    ActiveExecution sorts all ready steps each time that it hands one out, which makes a map of N
    items cost N^2. So they are all taken at once and kept here, unless there are limits (pools,
    tags): those count a step as running from the moment it is handed out.

    Attributes:
        has_limits: Pools or tags limit how many steps run, so that some may wait for others.
        is_stale: A step has ended since Dagster was last asked, so others may be ready.
    """

    def __init__(self, active: ActiveExecution, plan: ExecutionPlan, has_tag_limits: bool) -> None:
        self._active = active
        self.has_limits = has_tag_limits or _has_pools(plan)
        self._ready: list[tuple[int, int, ExecutionStep]] = []
        self._order = itertools.count()
        self._updated = float("-inf")
        self.is_stale = True

    def is_update_due(self) -> bool:
        """Whether to ask Dagster again, also for what becomes ready with time: retries, pools."""
        age = time.monotonic() - self._updated
        if self.is_stale and not self._ready:
            return True
        return age >= UPDATE_INTERVAL

    def seconds_to_update(self, most: float) -> float:
        """How long to wait for an event before asking again, at most `most` seconds."""
        if self.has_limits:
            return UPDATE_INTERVAL  # a slot of a pool may become free at any time
        active: Any = self._active  # what it gives has no type
        retry: float = active.sleep_interval()
        return min(max(retry, UPDATE_INTERVAL), most) if retry else most

    def take(self, limit: int, update: bool) -> list[ExecutionStep]:
        """Up to `limit` steps to start now; the higher their priority, the sooner."""
        if update:
            self._updated = time.monotonic()
            self.is_stale = False
            if self.has_limits:
                return list(self._active.get_steps_to_execute(limit=limit))
            self._add(self._active.get_steps_to_execute())
        return [heapq.heappop(self._ready)[2] for _ in range(min(limit, len(self._ready)))]

    def _add(self, steps: Iterable[ExecutionStep]) -> None:
        for step in steps:
            priority = int(step.tags.get(PRIORITY_TAG, 0))
            heapq.heappush(self._ready, (-priority, next(self._order), step))


def _has_pools(plan: ExecutionPlan) -> bool:
    """Whether any step claims a slot of a pool, by its op or by the tag of older versions."""
    return any(
        step.pool or (step.tags or {}).get(GLOBAL_CONCURRENCY_TAG)
        for step in plan.step_dict.values()
    )
