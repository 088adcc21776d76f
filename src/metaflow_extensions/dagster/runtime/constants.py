"""Stand-ins for the constants of a generated file; the emitter writes the real ones."""

from typing import Any

FLOW_FILE: str = "flow.py"
FLOW_NAME: str = "Flow"
WORKING_DIR: str = "."
CODE_PACKAGE_URL: str = ""
CODE_PACKAGE_SHA: str = ""
CODE_PACKAGE_METADATA: str = ""
PACKAGE_SUFFIXES: list[str] = []
SOURCE_DIGEST: str = ""
ORIGIN_RUN_ID: str | None = None
METAFLOW_TOP_ARGS: list[str] = []
METAFLOW_STEP_ENV: dict[str, str] = {}
METAFLOW_CONFIG_VALUES: dict[str, Any] = {}
STEP_DECORATOR_SPECS: dict[str, list[str]] = {}
STEP_WITH_DECORATORS: dict[str, list[str]] = {}
TAGS: list[str] = []
NAMESPACE: str | None = None
MAX_WORKERS: int = 16
WORKFLOW_TIMEOUT: int | None = None
EXIT_HOOKS_ON_SUCCESS: list[str] = []
EXIT_HOOKS_ON_ERROR: list[str] = []
