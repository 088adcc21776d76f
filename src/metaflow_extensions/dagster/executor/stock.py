"""Dagster's multiprocess executor, set up to start steps as fast as it can."""

from typing import Any

from dagster import ExecutorDefinition, Field, Int, Noneable, multiprocess_executor

DEFAULT_MAX_CONCURRENT = 16  # as many as `python flow.py run` starts (--max-workers)

# What the process of a step imports before its op runs. Dagster's own default, `dagster` alone,
# leaves out the storages of the instance. Modules that an installation lacks are passed over.
PRELOAD_MODULES = (
    "dagster",
    "dagster._core.definitions.external_asset",
    "dagster._core.definitions.repository_definition.repository_data_builder",
    "dagster._core.instance.factory",
    "dagster._core.launcher.default_run_launcher",
    "dagster._core.run_coordinator.default_run_coordinator",
    "dagster._core.secrets.env_file",
    "dagster._core.storage.event_log.sqlite",
    "dagster._core.storage.fs_io_manager",
    "dagster._core.storage.local_compute_log_manager",
    "dagster._core.storage.migration.utils",
    "dagster._core.storage.root",
    "dagster._core.storage.runs.sqlite",
    "dagster._core.storage.schedules.sqlite",
    "dagster._core.storage.sqlite_storage",
    "dagster._core.system_config.composite_descent",
    "dagster._core.types.transform_typing",
    "dagster._core.utility_ops",
    "dagster._core.workspace.autodiscovery",
    "sqlalchemy.dialects.sqlite",
    "upath.implementations.local",
)


def config_schema() -> dict[str, Any]:
    """Dagster's own fields, but for `start_method`, which is ours to choose."""
    schema: Any = multiprocess_executor.config_schema
    fields = dict(schema.as_field().config_type.fields)
    del fields["start_method"]
    fields["max_concurrent"] = Field(
        Noneable(Int),
        default_value=DEFAULT_MAX_CONCURRENT,
        description="How many steps may run at a time.",
    )
    return fields


def multiprocess_config(config: Any) -> dict[str, Any]:
    """Our configuration as that of Dagster's multiprocess executor."""
    forkserver = {"forkserver": {"preload_modules": list(PRELOAD_MODULES)}}
    max_concurrent = config.get("max_concurrent") or DEFAULT_MAX_CONCURRENT
    return {**config, "max_concurrent": max_concurrent, "start_method": forkserver}


stock_executor: ExecutorDefinition = multiprocess_executor.configured(
    multiprocess_config, name="metaflow_multiprocess", config_schema=config_schema()
)
