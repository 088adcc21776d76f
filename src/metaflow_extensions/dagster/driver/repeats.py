"""Steps that begin a second time, because the worker that had them was lost."""

from __future__ import annotations

from dagster import OpExecutionContext

from ..streams import is_in_run_worker


def begins_again(context: OpExecutionContext, or_retried: bool = False) -> bool:
    """Whether this attempt of an op has begun before or, with ``or_retried``, any attempt.

    Celery and Dask give a step whose result was lost to another worker, also when its task had
    succeeded.
    """
    if or_retried and context.retry_number > 0:
        return True
    if is_in_run_worker():  # a step there cannot be lost alone
        return False
    key = context.get_step_execution_context().step.key
    found = context.instance.get_run_step_stats(context.run.run_id, [key])
    return any((stats.attempts or 0) > context.retry_number + 1 for stats in found)
