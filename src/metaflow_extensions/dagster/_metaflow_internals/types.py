"""What this package uses of Metaflow's objects, as types. Imported by type checkers only."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from io import BytesIO
from typing import Any, Protocol


class Parameter(Protocol):
    """``metaflow.parameters.Parameter``, or a ``Config``."""

    IS_CONFIG_PARAMETER: bool
    name: str
    kwargs: dict[str, Any]
    separator: str | None


class FlowDecorator(Protocol):
    """``metaflow.decorators.FlowDecorator``."""

    name: str
    attributes: dict[str, Any]


class StepDecorator(Protocol):
    """``metaflow.decorators.StepDecorator``."""

    name: str
    attributes: dict[str, Any]
    statically_defined: bool

    def step_task_retry_count(self) -> tuple[int | None, int | None]: ...
    def make_decorator_spec(self) -> str: ...


class Node(Protocol):
    """``metaflow.graph.DAGNode``."""

    name: str
    type: str
    doc: str | None
    num_args: int
    parallel_step: bool
    parallel_foreach: bool
    out_funcs: list[str]
    in_funcs: set[str]
    switch_cases: Mapping[str, str]
    decorators: list[StepDecorator]


class Graph(Protocol):
    """``metaflow.graph.FlowGraph``; newer ones have ``start_step`` and ``end_step`` too."""

    name: str
    doc: str | None
    nodes: dict[str, Node]

    def __getitem__(self, name: str) -> Node: ...
    def __iter__(self) -> Iterator[Node]: ...


class StepFunction(Protocol):
    """A method with ``@step``."""

    name: str
    decorators: list[StepDecorator]


class Flow(Protocol):
    """``metaflow.FlowSpec``; its steps are attributes."""

    @property
    def name(self) -> str: ...
    @property
    def script_name(self) -> str: ...
    def __iter__(self) -> Iterator[StepFunction]: ...


class ForeachFrame(Protocol):
    """``metaflow.unbounded_foreach.ForeachFrame``: a foreach around a task, and its item."""

    step: str
    index: int
    value: str | None


class UnboundedForeach(Protocol):
    """What a gang is controlled by: ``metaflow.unbounded_foreach.UnboundedForeachInput``."""

    num_parallel: int


class ListedPath(Protocol):
    """``list_content_result`` of ``metaflow.datastore.datastore_storage``, a named tuple."""

    path: str
    is_file: bool

    def _replace(self, *, path: str) -> ListedPath: ...


class Storage(Protocol):
    """``metaflow.datastore.datastore_storage.DataStoreStorage``."""

    list_content: Callable[[list[str]], list[ListedPath]]

    @property
    def datastore_root(self) -> str | None: ...
    def is_file(self, paths: list[str]) -> list[bool]: ...
    def basename(self, path: str) -> str: ...
    def save_bytes(
        self, pairs: Iterable[tuple[str, BytesIO]], /, overwrite: bool = ..., len_hint: int = ...
    ) -> None: ...
    def load_bytes(
        self, paths: list[str]
    ) -> AbstractContextManager[Iterable[tuple[str, str | None, Any]]]: ...


class FlowDatastore(Protocol):
    """``metaflow.datastore.FlowDataStore``."""

    TYPE: str
    flow_name: str
    datastore_root: str

    def save_data(self, blobs: Iterable[bytes], len_hint: int = ...) -> list[tuple[str, str]]: ...
    def load_data(self, keys: Iterable[str]) -> Iterator[tuple[str, bytes]]: ...
    def get_task_datastore(
        self, run_id: str, step_name: str, task_id: str, attempt: int | None = ..., mode: str = ...
    ) -> TaskDatastore: ...
    def get_task_datastores(self, run_id: str, steps: list[str] = ...) -> list[TaskDatastore]: ...


class TaskDatastore(Protocol):
    """``metaflow.datastore.TaskDataStore``."""

    pathspec: str
    run_id: str
    step_name: str
    task_id: str
    parent_datastore: FlowDatastore

    def __getitem__(self, name: str) -> Any: ...
    def __contains__(self, name: str) -> bool: ...
    def get(self, name: str, default: Any = ...) -> Any: ...
    def items(self) -> Iterable[tuple[str, Any]]: ...
    def init_task(self) -> None: ...
    def clone(self, origin: Any) -> None: ...
    def done(self) -> None: ...
    def save_artifacts(self, artifacts: Iterable[tuple[str, Any]], len_hint: int = ...) -> None: ...
    def save_metadata(
        self, contents: Mapping[str, Any], allow_overwrite: bool = ..., add_attempt: bool = ...
    ) -> None: ...
    def has_metadata(self, name: str, add_attempt: bool = ...) -> bool: ...
    def save_logs(self, logsource: str, stream_data: Mapping[str, BytesIO]) -> None: ...
    def load_metadata(self, names: list[str], add_attempt: bool = ...) -> dict[str, Any]: ...


class Metadata(Protocol):
    """``metaflow.metadata_provider.MetadataProvider``."""

    TYPE: str

    def metadata_str(self) -> str: ...
    def version(self) -> str: ...
    def add_sticky_tags(self, tags: Iterable[str] = ..., sys_tags: Iterable[str] = ...) -> None: ...
    def register_run_id(self, run_id: str) -> bool: ...
    def register_task_id(
        self, run_id: str, step_name: str, task_id: str, attempt: int = ...
    ) -> bool: ...
    def register_metadata(
        self, run_id: str, step_name: str, task_id: str, metadata: Sequence[object]
    ) -> None: ...


class Environment(Protocol):
    """``metaflow.metaflow_environment.MetaflowEnvironment``."""

    TYPE: str


class CondaEnvironment(Environment, Protocol):
    """``metaflow.plugins.pypi.conda_environment.CondaEnvironment``."""

    def get_environment(self, step: StepFunction) -> dict[str, str]: ...
    def write_to_environment_manifest(self, keys: list[str], value: dict[str, Any]) -> None: ...
    def init_environment(self, echo: Say, only_steps: list[str] | None = ...) -> None: ...


class TaskSource(Protocol):
    """What ``metaflow.clone_util.clone_task_helper`` looks the task up in."""

    def get_with_pathspec(self, pathspec: str) -> object: ...


class RuntimeTask(Protocol):
    """``metaflow.runtime.Task``."""

    user_code_retries: int
    retries: int

    def new_attempt(self) -> None: ...


class LaunchArguments(Protocol):
    """``metaflow.runtime.CLIArgs``."""

    commands: list[str]
    top_level_options: dict[str, Any]
    command_options: dict[str, Any]

    def get_args(self) -> list[str]: ...
    def get_env(self) -> dict[str, str]: ...


class ConfigValue(Protocol):
    """A setting of Metaflow (metaflow/metaflow_config_funcs.py)."""

    value: Any
    is_default: bool
    serializer: Callable[[Any], str]


class Say(Protocol):
    """How Metaflow's commands print a line: ``echo`` is quiet with ``--quiet``."""

    def __call__(
        self,
        line: str,
        *,
        fg: str | None = ...,
        bold: bool = ...,
        err: bool = ...,
        no_bold: bool = ...,
    ) -> None: ...


class CliState(Protocol):
    """``obj`` of Metaflow's commands, with the flow loaded (``start`` in metaflow/cli.py)."""

    flow: Flow
    graph: Graph
    environment: Environment
    flow_datastore: FlowDatastore
    metadata: Metadata
    logger: Callable[..., None]
    event_logger: object
    monitor: object
    entrypoint: list[str]
    package_suffixes: list[str]
    pylint: bool
    echo: Say
    echo_always: Say
    dagster_job_name: str | None
    """What ``dagster --name`` says: our own addition."""

    def check(
        self, graph: Graph, flow: Flow, environment: Environment, *, pylint: bool
    ) -> None: ...
