"""Python starts as if this project were not installed: put this folder on PYTHONPATH."""

import importlib.metadata
import os
import sys

_distributions = importlib.metadata.distributions


def _others(**context):
    return (d for d in _distributions(**context) if d.metadata["Name"] != "metaflow-dagster")


importlib.metadata.distributions = _others
sys.path[:] = [
    path
    for path in sys.path
    if not os.path.isdir(os.path.join(path, "metaflow_extensions/dagster"))
]
