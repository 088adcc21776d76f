"""What a step's decorators mean for its op: attempts, time limit, launch hooks, command line."""

from __future__ import annotations

from ..errors import DagsterDeployError
from ..graph import StepView
from .model import RetryPlan

# Their launch hook only chooses options that the op gives itself.
_HOOKS_DONE_HERE = frozenset(("parallel", "dagster_internal"))

# Their commands wait between attempts by themselves (kubernetes_cli.py and batch_cli.py in
# metaflow/plugins), as natively.
_WAITS_ITSELF = frozenset(("kubernetes", "batch"))

# Decorators of other schedulers: they cannot work here, and say nothing useful when they fail.
_FOREIGN = {
    "airflow_internal": "Airflow",
    "argo_workflows_internal": "Argo Workflows",
    "step_functions_internal": "AWS Step Functions",
}


def plan_retry(step_name: str, step: StepView) -> RetryPlan:
    """Attempts as native counts them (metaflow/runtime.py, Task.__init__).

    Raises:
        DagsterDeployError: a decorator of another scheduler is attached.
    """
    user = error = 0
    delay = 0.0
    for deco in step.decorators:
        if deco.name in _FOREIGN:
            raise DagsterDeployError(
                f"Step *{step_name}* has the decorator @{deco.name}, which belongs to "
                f"{_FOREIGN[deco.name]} and cannot work under Dagster. Remove it."
            )
        user_retries, error_retries = deco.retries
        if user_retries is None or error_retries is None:
            return RetryPlan()  # the decorator wants no retries, whatever others say
        user, error = max(user, user_retries), max(error, error_retries)
        if deco.name == "retry":
            delay = float(deco.attributes["minutes_between_retries"]) * 60
    if any(deco.name in _WAITS_ITSELF for deco in step.decorators):
        delay = 0.0
    return RetryPlan(user, error, delay if user + error else 0.0)


def plan_timeout(step: StepView) -> float | None:
    """Seconds from ``@timeout``; the decorator itself raises in the task when they are over.

    None where the task has a container of its own: its time begins when that starts, which nobody
    here can know, and its engine ends it (``run_time_limit`` in metaflow/plugins).
    """
    if any(deco.has_own_container for deco in step.decorators):
        return None
    return next((deco.timeout for deco in step.decorators if deco.timeout), None)


def has_launch_hooks(step: StepView) -> bool:
    """Whether a decorator acts when the task is launched (``runtime_step_cli``)."""
    return any(
        deco.acts_at_launch and deco.name not in _HOOKS_DONE_HERE for deco in step.decorators
    )


def static_specs(step: StepView) -> list[str]:
    """Decorators of the source, for people."""
    return [
        deco.spec for deco in step.decorators if deco.is_static and not deco.name.startswith("_")
    ]
