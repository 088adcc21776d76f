"""The definition of the thread executor.

Every code location that holds a generated file imports this module, and Dagster's insides take as
long to import as Dagster itself: so they are imported when a run starts.
"""

import warnings
from collections.abc import Callable
from threading import Thread
from typing import Any

import dagster
from dagster import (
    Executor,
    ExecutorDefinition,
    InitExecutorContext,
    JobDefinition,
    executor,
    multiprocess_executor,
)

from .stock import config_schema, multiprocess_config


def executor_that_begins(begin: Callable[[], None]) -> ExecutorDefinition:
    """``metaflow_executor``, which calls `begin` in a thread while Dagster sets up a run."""
    return _define(_Beginning(begin))


def begin_early(job: JobDefinition) -> None:
    """Call a job's `begin` (``executor_that_begins``) before Dagster has it make its executor."""
    create = job.executor_def.executor_creation_fn
    if isinstance(create, _Beginning):
        create.begin()


class _Beginning:
    """Makes an executor, and has what its first step needs begun before that."""

    def __init__(self, begin: Callable[[], None]) -> None:
        self._begin = begin

    def begin(self) -> None:
        Thread(target=self._begin, name="begin").start()

    def __call__(self, context: InitExecutorContext) -> Executor:
        self.begin()
        return _create(context)


def _create(context: InitExecutorContext) -> Executor:
    config: Any = context.executor_config
    try:
        from .run_database import make_databases_quickly
        from .threads import create
    except (ImportError, AttributeError) as error:
        warnings.warn(
            f"metaflow-dagster: no thread executor with Dagster {dagster.__version__} ({error}); "
            "steps run in processes of Dagster's multiprocess executor",
            stacklevel=2,
        )
        stock: Any = multiprocess_executor.executor_creation_fn
        return stock(context._replace(executor_config=multiprocess_config(config)))
    make_databases_quickly(context.instance)  # its first event comes after this
    return create(config)


def _define(create: Callable[[InitExecutorContext], Executor]) -> ExecutorDefinition:
    return executor(name="metaflow", config_schema=config_schema(), requirements=[])(create)


metaflow_executor: ExecutorDefinition = _define(_create)
"""Runs the steps of a generated file in threads of the run worker, where it is installed.

Configured with ``max_concurrent`` (steps of a run at a time), ``retries`` and
``tag_concurrency_limits``, as Dagster's multiprocess executor is. With a version of Dagster that
lacks the parts which it needs, it warns, and the steps run with that executor.
"""
