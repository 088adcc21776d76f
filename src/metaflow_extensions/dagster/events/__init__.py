"""Publishing events that start flows deployed with ``@trigger``. Imports no Dagster."""

from .errors import DagsterEventException
from .event import DagsterEvent

__all__ = ["DagsterEvent", "DagsterEventException"]
