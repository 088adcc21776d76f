"""Which executor a job uses."""

from functools import partial
from typing import Any

from dagster import ExecutorDefinition, Noneable, multiprocess_executor
from dagster import Field as ConfigField

from .driver import _driver
from .flow import _Flow


def _executor(flow: _Flow) -> ExecutorDefinition:
    """metaflow-dagster's executor where it is installed, else one process a step."""
    try:
        from metaflow_extensions.dagster.executor import (  # pyright: ignore
            executor_that_begins,
        )
    except ImportError:
        return _multiprocess_executor(flow)
    ours = executor_that_begins(partial(_begin, flow))
    return ours.configured(_executor_config, config_schema=_executor_schema(flow))


def _begin(flow: _Flow) -> None:
    """Start what the first op will need, while Dagster sets up the run."""
    _driver(flow).begin(flow)


def _multiprocess_executor(flow: _Flow) -> ExecutorDefinition:
    """Dagster's own: one process a step, forked from one that has Dagster loaded."""
    return multiprocess_executor.configured(
        _multiprocess_config, config_schema=_executor_schema(flow)
    )


def _executor_schema(flow: _Flow) -> dict[str, Any]:
    return {
        "max_concurrent": ConfigField(int, default_value=flow.max_workers),
        "tag_concurrency_limits": ConfigField(Noneable(list), default_value=None),
    }


def _executor_config(config: Any) -> dict[str, Any]:
    return {name: value for name, value in config.items() if value is not None}


def _multiprocess_config(config: Any) -> dict[str, Any]:
    preload = {"preload_modules": ["dagster"]}
    return {**_executor_config(config), "start_method": {"forkserver": preload}}
