"""The one error that users of this package are meant to read."""

from __future__ import annotations

from metaflow.exception import MetaflowException


class DagsterDeployError(MetaflowException):
    """A flow, an option or a setting that cannot be deployed to Dagster.

    Metaflow's command line prints it under its headline, without a traceback (``main`` in
    metaflow/cli.py). The message names the thing between asterisks, which Metaflow prints bold,
    says why it cannot work, and what to do about it.
    """

    headline = "Cannot deploy to Dagster"
