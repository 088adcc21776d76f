"""Executors for the jobs of generated files.

``metaflow_executor`` runs steps in threads of the run worker. Where this version of Dagster lacks
what that needs, it runs them like ``stock_executor``, Dagster's multiprocess executor set up to
start fast.
"""

from .definition import begin_early, executor_that_begins, metaflow_executor
from .stock import stock_executor

__all__ = ["begin_early", "executor_that_begins", "metaflow_executor", "stock_executor"]
