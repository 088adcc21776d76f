"""The definition of the thread executor."""

from typing import Any

from dagster import ExecutorDefinition, InitExecutorContext, executor

from ._dagster_internals import RetryMode, StepDependencyConfig
from .stock import DEFAULT_MAX_CONCURRENT, config_schema
from .threads import ThreadExecutor


def _create(context: InitExecutorContext) -> ThreadExecutor:
    config: Any = context.executor_config
    return ThreadExecutor(
        retries=RetryMode.from_config(config["retries"]) or RetryMode.ENABLED,
        max_concurrent=config.get("max_concurrent") or DEFAULT_MAX_CONCURRENT,
        tag_concurrency_limits=config.get("tag_concurrency_limits"),
        step_dependency_config=StepDependencyConfig.from_config(
            config.get("step_dependency_config")
        ),
    )


metaflow_executor: ExecutorDefinition = executor(
    name="metaflow", config_schema=config_schema(), requirements=[]
)(_create)
