"""Which executor a job uses."""

from typing import Any

from dagster import ExecutorDefinition, Noneable, multiprocess_executor
from dagster import Field as ConfigField

from .constants import MAX_WORKERS


def _executor() -> ExecutorDefinition:
    """metaflow-dagster's executor where it is installed, else one process a step."""
    try:
        from metaflow_extensions.dagster.executor import metaflow_executor  # pyright: ignore
    except ImportError:
        return _multiprocess_executor()
    return metaflow_executor.configured(
        _executor_config, config_schema=_executor_schema()
    )


def _multiprocess_executor() -> ExecutorDefinition:
    """Dagster's own: one process a step, forked from one that has Dagster loaded."""
    return multiprocess_executor.configured(
        _multiprocess_config, config_schema=_executor_schema()
    )


def _executor_schema() -> dict[str, Any]:
    return {
        "max_concurrent": ConfigField(int, default_value=MAX_WORKERS),
        "tag_concurrency_limits": ConfigField(Noneable(list), default_value=None),
    }


def _executor_config(config: Any) -> dict[str, Any]:
    return {name: value for name, value in config.items() if value is not None}


def _multiprocess_config(config: Any) -> dict[str, Any]:
    preload = {"preload_modules": ["dagster"]}
    return {**_executor_config(config), "start_method": {"forkserver": preload}}
