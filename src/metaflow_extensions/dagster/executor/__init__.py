"""Executors for the jobs of generated files.

``metaflow_executor`` runs steps in threads of the run worker. Where this version of Dagster has not
what that needs, it is ``stock_executor``, Dagster's multiprocess executor set up to start fast.
"""

import warnings

from .stock import stock_executor

try:
    from .definition import metaflow_executor
except ImportError as error:
    warnings.warn(
        f"metaflow-dagster: no thread executor with this version of Dagster ({error}); steps run "
        "in processes of Dagster's multiprocess executor",
        stacklevel=2,
    )
    metaflow_executor = stock_executor

__all__ = ["metaflow_executor", "stock_executor"]
