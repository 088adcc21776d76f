"""The errors of commands, which users of this package are meant to read."""

from __future__ import annotations

from metaflow.exception import MetaflowException


class DagsterDeployError(MetaflowException):
    """A flow, an option or a setting that cannot be deployed to Dagster.

    Metaflow's command line prints it under its headline, without a traceback (``main`` in
    metaflow/cli.py). The message names the thing between asterisks, which Metaflow prints bold,
    says why it cannot work, and what to do about it.
    """

    headline = "Cannot deploy to Dagster"


def verbatim(text: object) -> str:
    """Text of the user's for use in a message.

    Metaflow's terminal takes every asterisk for markup and drops it (``echo_always`` in
    metaflow/cli.py), which leaves little of a cron expression: here they become U+2217.
    """
    return str(text).replace("*", "\u2217")


class DagsterRunError(MetaflowException):
    """A command on deployed jobs and their runs that cannot be carried out.

    The message says why in one line, and what to do about it.
    """

    headline = "Dagster"
