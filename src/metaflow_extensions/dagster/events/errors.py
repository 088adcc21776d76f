"""The error of publishing.

It is not with the others: Metaflow loads this package while it is being imported itself, when
``..errors`` may not be ready yet.
"""

from __future__ import annotations

from metaflow.exception import MetaflowException


class DagsterEventException(MetaflowException):
    """An event that has no valid name, or that could not be published."""

    headline = "Dagster event"
