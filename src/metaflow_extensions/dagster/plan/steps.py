"""What a step's decorators mean for its op: attempts, time limit, launch hooks, command line."""

from __future__ import annotations

from itertools import chain
from typing import Any

from .._metaflow_internals import has_launch_hook, step_decorators_of
from ..errors import DagsterDeployError
from .model import RetryPlan

# Decorators whose attributes are written into the generated file. The others are named only:
# what they hold (@environment's vars, say) may be secret.
_SPELLED_OUT = frozenset(
    ["retry", "timeout", "resources", "catch", "parallel", "conda", "pypi", "card"]
)

# Their launch hook only chooses options that the op gives itself.
_HOOKS_DONE_HERE = frozenset(("parallel", "dagster_internal"))

# Decorators of other schedulers: they cannot work here, and say nothing useful when they fail.
_FOREIGN = {
    "airflow_internal": "Airflow",
    "argo_workflows_internal": "Argo Workflows",
    "step_functions_internal": "AWS Step Functions",
}


def step_decorators(flow: Any, step_name: str) -> list[Any]:
    """The step decorators of a step, in the order in which Metaflow calls them."""
    return step_decorators_of(flow, step_name)


def plan_retry(flow: Any, step_name: str) -> RetryPlan:
    """Attempts as native counts them (metaflow/runtime.py, Task.__init__).

    Raises:
        DagsterDeployError: a decorator of another scheduler is attached.
    """
    user = error = 0
    delay = 0.0
    for deco in step_decorators(flow, step_name):
        if deco.name in _FOREIGN:
            raise DagsterDeployError(
                f"Step *{step_name}* has the decorator @{deco.name}, which belongs to "
                f"{_FOREIGN[deco.name]} and cannot work under Dagster. Remove it."
            )
        user_retries, error_retries = deco.step_task_retry_count()
        if user_retries is None or error_retries is None:
            return RetryPlan()  # the decorator wants no retries, whatever others say
        user, error = max(user, user_retries), max(error, error_retries)
        if deco.name == "retry":
            delay = float(deco.attributes["minutes_between_retries"]) * 60
    return RetryPlan(user, error, delay if user + error else 0.0)


def plan_timeout(flow: Any, step_name: str) -> float | None:
    """Seconds from ``@timeout``; the decorator itself raises in the task when they are over."""
    for deco in step_decorators(flow, step_name):
        if deco.name == "timeout" and deco.secs:
            return float(deco.secs)
    return None


def has_launch_hooks(flow: Any, step_name: str) -> bool:
    """Whether a decorator acts when the task is launched (``runtime_step_cli``)."""
    return any(
        deco.name not in _HOOKS_DONE_HERE and has_launch_hook(deco)
        for deco in step_decorators(flow, step_name)
    )


def static_specs(flow: Any, step_name: str) -> list[str]:
    """Decorators of the source, for people; see ``_SPELLED_OUT`` for what is left out."""
    return [
        deco.make_decorator_spec() if deco.name in _SPELLED_OUT else deco.name
        for deco in step_decorators(flow, step_name)
        if deco.statically_defined and not deco.name.startswith("_")
    ]


def with_specs(flow: Any, step_name: str) -> list[str]:
    """Decorators that every process must attach again, as native's CLIArgs has them."""
    step = getattr(flow, step_name)
    return [
        deco.make_decorator_spec()
        for deco in chain(step.decorators, step.wrappers, step.config_decorators)
        if not deco.statically_defined and deco.inserted_by is None
    ]
