"""Publishing events that start flows deployed with ``@trigger``. Imports no Dagster."""

from .event import DagsterEvent, DagsterEventException

__all__ = ["DagsterEvent", "DagsterEventException"]
