"""Jobs for the tests of the executor. What they did is written to a file, line by line."""

from __future__ import annotations

import gc
import os
import sys
import time
from pathlib import Path
from typing import Any

from dagster import (
    ConfigurableResource,
    DagsterExecutionInterruptedError,
    DynamicOut,
    DynamicOutput,
    In,
    Nothing,
    Out,
    Output,
    RetryPolicy,
    RetryRequested,
    job,
    op,
    resource,
    success_hook,
)
from dagster._config.pythonic_config import IAttachDifferentObjectToOpContext

from metaflow_extensions.dagster import streams
from metaflow_extensions.dagster.executor import metaflow_executor, stock_executor


def note(*words: object) -> None:
    """Append a line to the file of this test; a single write, so lines stay whole."""
    fd = os.open(os.environ["NOTES"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(fd, (" ".join(map(str, words)) + "\n").encode())
    os.close(fd)


def notes() -> list[list[str]]:
    path = Path(os.environ["NOTES"])
    return [line.split() for line in path.read_text().splitlines()] if path.exists() else []


def most_at_once(lines: list[list[str]]) -> int:
    """How many of the steps that noted `begin` and `end` ran at a time at most."""
    running = most = 0
    for line in lines:
        running += {"begin": 1, "end": -1}.get(line[0], 0)
        most = max(most, running)
    return most


def nap(name: str, seconds: float) -> None:
    note("begin", name)
    time.sleep(seconds)
    note("end", name)


def patient(seconds: float) -> None:
    """Wait like an op that supervises a process: until it is told to stop."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if streams.interrupted():
            raise DagsterExecutionInterruptedError
        time.sleep(0.05)


@op(out=DynamicOut(str))
def items():
    for n in range(int(os.environ.get("ITEMS", "12"))):
        yield DynamicOutput(str(n), mapping_key=str(n))


@op
def item_nap(item: str) -> str:
    nap(item, float(os.environ.get("NAP", "0.3")))
    return item


@op
def item_meet(item: str) -> str:
    """Ends only when all items have begun, which takes as many of them at a time."""
    note("begin", item)
    until = time.monotonic() + 30
    while sum(line[0] == "begin" for line in notes()) < 12:
        if time.monotonic() > until:
            raise TimeoutError("the others did not begin")
        time.sleep(0.02)
    return item


@op
def item_pass(item: str) -> str:
    return item


@op
def total(values: list) -> int:
    note("total", len(values))
    return len(values)


@op(pool="narrow")
def pool_nap(item: str) -> str:
    nap(item, 0.15)
    return item


@op(tags={"kind": "heavy"})
def heavy_nap(item: str) -> str:
    nap(item, 0.15)
    return item


@job(executor_def=metaflow_executor)
def mapped_naps():
    total(items().map(item_nap).collect())


@job(executor_def=metaflow_executor)
def mapped_meetings():
    total(items().map(item_meet).collect())


@job(executor_def=metaflow_executor)
def mapped_passes():
    total(items().map(item_pass).collect())


@job(executor_def=metaflow_executor)
def pooled():
    total(items().map(pool_nap).collect())


@job(executor_def=metaflow_executor)
def tagged():
    total(items().map(heavy_nap).collect())


@op
def first() -> str:
    return "x"


@op
def follow(value: str) -> str:
    return value


@job(executor_def=metaflow_executor)
def chain():
    value = first()
    for n in range(5):
        value = follow.alias(f"follow_{n}")(value)


@op
def tries(context) -> str:
    note("try", context.retry_number, time.time())
    if context.retry_number < 2:
        raise RetryRequested(max_retries=3, seconds_to_wait=0.4)
    return "done"


@op(retry_policy=RetryPolicy(max_retries=2))
def policed(context) -> str:
    note("policed", context.retry_number)
    if context.retry_number < 2:
        raise ValueError("again")
    return "done"


@op
def gives_up(context) -> str:
    note("gives_up", context.retry_number)
    raise RetryRequested(max_retries=1)


@job(executor_def=metaflow_executor)
def retried():
    total([tries(), policed(), first()])


@job(executor_def=metaflow_executor)
def given_up():
    gives_up()


@op
def breaks_once(item: str) -> str:
    note("breaks_once", item)
    if item == "2" and not os.path.exists(os.environ["MENDED"]):
        raise ValueError("item 2 is broken")
    return item


@job(executor_def=metaflow_executor)
def broken():
    values = items().map(breaks_once)
    total(values.map(item_pass).collect())
    total.alias("other")([first()])


@op(out={"left": Out(str, is_required=False), "right": Out(str, is_required=False)})
def choose():
    yield Output("l", "left")


@job(executor_def=metaflow_executor)
def branches():
    left, right = choose()
    total([follow.alias("on_left")(left), follow.alias("on_right")(right)])


@op
def waits(item: str) -> str:
    note("waits", item)
    patient(60)
    return item


@resource
def thing(_: Any):
    note("resource opened")
    yield "a thing"
    note("resource closed")


@op(required_resource_keys={"thing"})
def with_thing(context) -> str:
    return context.resources.thing


@job(executor_def=metaflow_executor, resource_defs={"thing": thing})
def cancelled():
    with_thing()
    total(items().map(waits).collect())


@job(executor_def=metaflow_executor, resource_defs={"thing": thing})
def uses_resource():
    with_thing()


class Fresh(ConfigurableResource, IAttachDifferentObjectToOpContext):
    """A resource that is another object for each step."""

    def get_object_to_set_on_execution_context(self) -> object:
        return object()


_seen: list[object] = []  # kept, so that no two have the same id


@op(required_resource_keys={"thing"})
def sees(context, item: str) -> str:
    found = context.resources
    _seen.extend([found, found.thing])
    note("with", id(found), id(found.thing))
    return item


@op
def sees_no_thing(context, item: str) -> str:
    note("without", "thing" in context.resources.original_resource_dict)
    return item


@job(executor_def=metaflow_executor, resource_defs={"thing": thing})
def seen_resources():
    total(items().map(sees).map(sees_no_thing).collect())


@job(executor_def=metaflow_executor, resource_defs={"thing": Fresh()})
def fresh_resources():
    total(items().map(sees).map(sees_no_thing).collect())


@op
def speaks(item: str) -> str:
    found = streams.current_streams()
    note("streams", item, found is not None)
    if found is not None:
        found[0].write(f"out of {item}\n".encode())
        found[1].write(f"err of {item} \xff\n".encode("latin-1"))
        assert streams.current_streams() is found
    return item


@job(executor_def=metaflow_executor)
def spoken():
    total(items().map(speaks).collect())


@success_hook
def noted(context):
    note("hook", context.step_key)


@job(executor_def=metaflow_executor, hooks={noted})
def hooked():
    follow(first())


@op(ins={"after": In(Nothing)})
def ordered(context) -> None:
    note("ordered", context.op.name)


@job(executor_def=metaflow_executor)
def by_priority():
    start = first()
    for n in range(6):
        ordered.alias(f"p{n}").tag({"dagster/priority": str(n)})(start)


@op
async def async_op() -> str:
    import asyncio

    note("begin", "async")
    await asyncio.sleep(0.3)
    note("end", "async")
    return "x"


@job(executor_def=metaflow_executor)
def asynchronous():
    total([async_op.alias(f"a{n}")() for n in range(4)])


@job(executor_def=stock_executor)
def stock():
    follow(first())


@op
def crashes() -> str:
    sys.exit(3)


@job(executor_def=metaflow_executor)
def exits():
    crashes()
    first()


@op
def look_at_collections() -> None:
    note("frozen", gc.get_freeze_count() > 0)


@job(executor_def=metaflow_executor)
def collections():
    look_at_collections()
