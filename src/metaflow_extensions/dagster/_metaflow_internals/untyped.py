"""Public parts of Metaflow that have no types, or too wide ones, with those that they have.

The functions look each part up when they are called, and say so where a version lacks it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from . import part

if TYPE_CHECKING:
    import click
    from metaflow.parameters import DeployTimeField

    from .types import (
        CliState,
        Flow,
        FlowDatastore,
        LaunchArguments,
        Metadata,
        RuntimeTask,
        Storage,
        TaskDatastore,
        TaskSource,
    )

# Settings.


def user_name() -> str:
    """Who the user is for Metaflow; empty where it does not know, or for root."""
    from metaflow import util

    return part(util, "get_username")() or ""


def setting(name: str) -> str | None:
    """A setting by its name without ``METAFLOW_``: from the environment, or the configuration."""
    from metaflow import metaflow_config_funcs

    value = part(metaflow_config_funcs, "from_conf")(name)
    return str(value) if value else None


def ui_url() -> str | None:
    """Where Metaflow's UI is, if there is one."""
    from metaflow import metaflow_config

    return part(metaflow_config, "UI_URL")


def current_value(name: str) -> Any:
    """An attribute of ``current``; None where nothing has set it."""
    from metaflow.metaflow_current import current

    return part(current, "get")(name)


def is_production() -> bool:
    """Whether the flow is deployed to a production branch (``@project``)."""
    return bool(current_value("is_production"))


# Flows.


def config_values(flow: Flow) -> dict[str, Any]:
    """The flow's configs in the form in which steps get them; empty where it has none."""
    from metaflow.user_configs import config_parameters

    return part(config_parameters, "dump_config_values")(flow)


def evaluate(field: DeployTimeField) -> Any:
    """The value of a deploy-time default, with numbers as text."""
    from metaflow import parameters

    return part(parameters, "deploy_time_eval")(field)


def top_level_options(flow: Flow) -> Iterator[tuple[str, Any]]:
    """Options before the command that the flow's decorators ask for, with their values."""
    from metaflow import decorators

    for decorator in part(decorators, "flow_decorators")(flow):
        yield from dict(decorator.get_top_level_options()).items()


def init_command() -> click.Command:
    """Metaflow's command ``init``."""
    from metaflow.cli_components import init_cmd

    return part(init_cmd, "init")


def step_command() -> click.Command:
    """Metaflow's command ``step``."""
    from metaflow.cli_components import step_cmd

    return part(step_cmd, "step")


# Datastores.


def default_storage() -> Storage:
    """What reads and writes the files of the configured datastore, opened at its root."""
    from metaflow import metaflow_config

    kind = _storage_kind(part(metaflow_config, "DEFAULT_DATASTORE"))
    root = kind.get_datastore_root_from_config(_say_nothing, create_on_absent=False)
    # Nobody has written to a local datastore that has no root.
    return kind(root or local_folder())


def storage_named(name: str, root: str) -> Storage:
    """What reads and writes the files of a datastore, by Metaflow's name of its kind."""
    return _storage_kind(name)(root)


def _storage_kind(name: str) -> Any:
    from metaflow import plugins

    return next(kind for kind in part(plugins, "DATASTORES") if kind.TYPE == name)


def flow_datastore(flow_name: str, storage: Storage) -> FlowDatastore:
    """A flow's data in a datastore."""
    from metaflow.datastore import flow_datastore

    kind = part(flow_datastore, "FlowDataStore")
    return kind(flow_name, None, storage_impl=type(storage), ds_root=storage.datastore_root)


def local_root() -> str:
    """The folder of the local datastore, which is made where there is none."""
    from metaflow.plugins.datastores.local_storage import LocalStorage

    root = part(LocalStorage, "get_datastore_root_from_config")(_say_nothing)
    return root or local_folder()


def local_folder() -> str:
    """Where a new local datastore would be."""
    import os

    from metaflow.metaflow_config import DATASTORE_LOCAL_DIR

    return os.path.abspath(DATASTORE_LOCAL_DIR)


def tasks_of_run(datastore: FlowDatastore, run_id: str) -> Iterator[TaskDatastore]:
    """The finished tasks of a run, with the artifacts loaded that a resume looks at."""
    from metaflow import runtime
    from metaflow.datastore import datastore_set

    artifacts = part(runtime, "PREFETCH_DATA_ARTIFACTS")
    tasks = part(datastore_set, "TaskDataStoreSet")
    return iter(tasks(datastore, run_id, prefetch_data_artifacts=artifacts))


def tasks_at(datastore: FlowDatastore, paths: list[str]) -> Iterator[TaskDatastore]:
    """Those of these tasks that are finished, read at once, with what says if they are ok."""
    from metaflow.datastore import datastore_set

    tasks = part(datastore_set, "TaskDataStoreSet")
    return iter(tasks(datastore, None, pathspecs=paths, prefetch_data_artifacts=["_task_ok"]))


def clone_task(
    state: CliState,
    origin: TaskDatastore,
    run_id: str,
    task_id: str,
    source: TaskSource,
) -> None:
    """Clone a finished task into another run, under the same step.

    Args:
        state: With the flow loaded.
        origin: The task.
        run_id: The run that gets the clone.
        task_id: The clone's.
        source: Whose artifacts the clone gets.
    """
    from metaflow import clone_util

    origin_run_id, step_name, origin_task_id = origin.pathspec.split("/")
    part(clone_util, "clone_task_helper")(
        state.flow.name,
        origin_run_id,
        run_id,
        step_name,
        origin_task_id,
        task_id,
        state.flow_datastore,
        state.metadata,
        origin_ds_set=source,
    )


def register_metadata(
    metadata: Metadata,
    run_id: str,
    step_name: str,
    task_id: str,
    fields: Iterable[tuple[str, str, str]],
    attempt: int,
) -> None:
    """Register metadata of an attempt of a task.

    Args:
        metadata: The provider.
        run_id: The task's run.
        step_name: The task's step.
        task_id: The task.
        fields: Name, value and type of each.
        attempt: Counted from 0.
    """
    from metaflow import metadata_provider

    datum = part(metadata_provider, "MetaDatum")
    tags = [f"attempt_id:{attempt}"]
    data = [datum(field=name, value=value, type=kind, tags=tags) for name, value, kind in fields]
    metadata.register_metadata(run_id, step_name, task_id, data)


# Launching tasks.


def runtime_task(*args: Any, **options: Any) -> RuntimeTask:
    """The scheduler's object of a task, ``metaflow.runtime.Task``, which takes all this."""
    from metaflow import runtime

    return part(runtime, "Task")(*args, **options)


def launch_arguments(task: RuntimeTask) -> LaunchArguments:
    """The command line of a task, for decorators to change."""
    from metaflow import runtime

    return part(runtime, "CLIArgs")(task)


def expand_paths(compressed: str) -> list[str]:
    """Paths of the tasks before a task, as Metaflow's commands take them."""
    from metaflow import util

    return part(util, "decompress_list")(compressed)


# Production tokens, as Metaflow's own schedulers keep them.


def _tokens() -> Any:
    from metaflow.plugins.aws.step_functions import production_token

    return production_token


def new_token(prefix: str, previous: str | None) -> str | None:
    """A token that follows another one; None where that is not of Metaflow's form."""
    return part(_tokens(), "new_token")(prefix, previous)


def load_token(prefix: str) -> str | None:
    """The token that this user's machine has kept."""
    return part(_tokens(), "load_token")(prefix)


def store_token(prefix: str, token: str) -> None:
    """Keep a token for this user, on this machine."""
    part(_tokens(), "store_token")(prefix, token)


def _say_nothing(*_: object, **__: object) -> None: ...
