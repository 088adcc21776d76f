"""What this package uses of Metaflow's objects, as types. Imported by type checkers only."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from io import BytesIO
from typing import Any, Protocol


class Parameter(Protocol):
    """``metaflow.parameters.Parameter``, or a ``Config``."""

    IS_CONFIG_PARAMETER: bool
    name: str
    kwargs: dict[str, Any]
    separator: str | None


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


class Flow(Protocol):
    """``metaflow.FlowSpec``; its steps are attributes."""

    @property
    def name(self) -> str: ...


class Storage(Protocol):
    """``metaflow.datastore.datastore_storage.DataStoreStorage``."""

    TYPE: str | None
    datastore_root: str

    def __init__(self, root: str) -> None: ...
    def is_file(self, paths: list[str]) -> list[bool]: ...
    def list_content(self, paths: list[str]) -> list[Any]: ...
    def basename(self, path: str) -> str: ...
    def save_bytes(
        self, pairs: Iterable[tuple[str, BytesIO]], overwrite: bool = ..., len_hint: int = ...
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
    def get_task_datastore(
        self, run_id: str, step_name: str, task_id: str, attempt: int | None = ..., mode: str = ...
    ) -> TaskDatastore: ...
    def get_task_datastores(self, run_id: str, steps: list[str] = ...) -> list[TaskDatastore]: ...


class TaskDatastore(Protocol):
    """``metaflow.datastore.TaskDataStore``."""

    pathspec: str
    parent_datastore: FlowDatastore

    def __getitem__(self, name: str) -> Any: ...
    def get(self, name: str, default: Any = ...) -> Any: ...
    def items(self) -> Iterable[tuple[str, Any]]: ...


class ConfigValue(Protocol):
    """A setting of Metaflow (metaflow/metaflow_config_funcs.py)."""

    value: Any
    is_default: bool
    serializer: Callable[[Any], str]


class CliState(Protocol):
    """``obj`` of Metaflow's commands, with the flow loaded (``start`` in metaflow/cli.py)."""

    flow: Any
    graph: Graph
    environment: Any
    flow_datastore: Any
    metadata: Any
    logger: Any
    event_logger: Any
    monitor: Any
    entrypoint: list[str]
    package_suffixes: list[str]
    pylint: bool

    def echo(self, line: str, **style: Any) -> None: ...
    def echo_always(self, line: str, **style: Any) -> None: ...
    def check(self, graph: Any, flow: Any, environment: Any, **options: Any) -> None: ...
