"""Python starts as if this project were not installed: put this folder on PYTHONPATH.

What is on PYTHONPATH itself stays: the copy of this project in an unpacked code package.
"""

import importlib.metadata
import os
import sys

_distributions = importlib.metadata.distributions


def _others(**context):
    return (d for d in _distributions(**context) if d.metadata["Name"] != "metaflow-dagster")


importlib.metadata.distributions = _others
_given = os.environ.get("PYTHONPATH", "").split(os.pathsep)
sys.path[:] = [
    path
    for path in sys.path
    if path in _given or not os.path.isdir(os.path.join(path, "metaflow_extensions/dagster"))
]
