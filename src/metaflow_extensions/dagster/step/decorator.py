"""The step decorator that the generated command line attaches to every step."""

from metaflow.decorators import StepDecorator


class DagsterInternalDecorator(StepDecorator):
    """Placeholder filled in next."""

    name = "dagster_internal"
