"""The errors of commands, which users of this package are meant to read."""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar

from metaflow.exception import MetaflowException

P = ParamSpec("P")
T = TypeVar("T")


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


class Problems:
    """Collects what is wrong with a flow and its options, to report all of it in one go."""

    def __init__(self) -> None:
        self._found: list[MetaflowException] = []

    def attempt(self, function: Callable[P, T], *args: P.args, **options: P.kwargs) -> T | None:
        """What the function returns; None, and its problems noted, if it finds any."""
        try:
            return function(*args, **options)
        except SeveralProblems as several:
            self._found += several.problems
        except MetaflowException as problem:
            self._found.append(problem)
        return None

    def add(self, text: str) -> None:
        """Note a problem."""
        self._found.append(DagsterDeployError(text))

    def raise_all(self) -> None:
        """Say what was found.

        Raises:
            MetaflowException: the problem, if there is one; SeveralProblems, if there are more.
        """
        # Two parts of the plan may ask the same of an option, and find the same.
        found = list({problem.message: problem for problem in self._found}.values())
        if len(found) == 1:
            raise found[0]
        if found:
            raise SeveralProblems(found)


class SeveralProblems(DagsterDeployError):
    """All that is wrong, in one message."""

    def __init__(self, problems: list[MetaflowException]) -> None:
        self.problems = problems
        texts = "".join(f"\n- {problem.message}" for problem in problems)
        text = f"There are {len(self.problems)} problems:{texts}"
        super().__init__(text)  # pyright: ignore[reportUnknownMemberType]  # it has no types
