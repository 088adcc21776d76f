"""The flow that the runtime works for."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any


@dataclass(frozen=True, eq=False)
class _Flow:
    """What a definitions file says about its flow: its constants, by their names in lower case.

    Each is one of its own, so that it can be a key of caches.
    """

    flow_file: str
    flow_name: str
    working_dir: str
    code_package_url: str
    code_package_sha: str
    code_package_metadata: str
    package_suffixes: list[str]
    source_digest: str
    metaflow_top_args: list[str]
    metaflow_step_env: dict[str, str]
    step_decorator_specs: dict[str, list[str]] = field(default_factory=dict)
    step_with_decorators: dict[str, list[str]] = field(default_factory=dict)
    parameter_kinds: dict[str, str] = field(default_factory=dict[str, str])
    step_conda_env_ids: dict[str, str] = field(default_factory=dict[str, str])
    metaflow_config_values: dict[str, Any] = field(default_factory=dict[str, Any])
    origin_run_id: str | None = None
    tags: list[str] = field(default_factory=list[str])
    namespace: str | None = None
    max_workers: int = 16
    workflow_timeout: int | None = None
    exit_hooks_on_success: list[str] = field(default_factory=list[str])
    exit_hooks_on_error: list[str] = field(default_factory=list[str])
    definitions_file: str = ""
    loaded_at: float = field(default_factory=time.time)

    @classmethod
    def of(cls, constants: Mapping[str, Any]) -> "_Flow":
        """The flow of a definitions file, whose global variables these are."""
        names = {f.name.upper(): f.name for f in fields(cls)}
        given = {names[n]: value for n, value in constants.items() if n in names}
        return cls(**given, definitions_file=constants["__file__"])
