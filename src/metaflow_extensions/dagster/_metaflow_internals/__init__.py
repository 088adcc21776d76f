"""Everything private of Metaflow that this package needs, with a check of its shape.

No other module imports ``metaflow._*`` or reaches for underscore attributes of Metaflow's objects
(tests/unit/test_metaflow_internals.py holds that). Differences between its versions, from 2.19.0
on, are here too. Where a part is missing, `MetaflowVersionError` names it and the version.

| part | why |
| --- | --- |
| _vendor.click | commands below Metaflow's own are made of the click that it brings along |
| FlowSpec._graph, _flow_decorators, _get_parameters, _check_parameters | what a flow is |
| decorators._attach_decorators, _init_step_decorators, FlowSpec._init_graph | options --with |
| metaflow_config_funcs._all_configs | settings that differ from Metaflow's defaults |
| FlowDataStore._storage_impl | reads and writes small files beside a flow's data |
| TaskDataStore._objects, _info | clones tasks with parameters that were given anew |
| Current._update_env, Trigger._events | ``current.trigger`` |
| FlowSpec._transition and its like | which steps follow a task that has run |
| system_context | what launch hooks find there; not in 2.19.0 |
| metaflow_git._git_info_cache | facts of a repository are asked for once, not for each task |
| DeployerImpl._create | what a Deployer's ``create`` calls |
| package.MetaflowPackage | see `package.py` here |
| LocalMetadataProvider._dump_json_to_file | see `local_metadata.py` here |
| Batch._job_name, BatchJob._task_id, BatchJob._client | jobs of AWS Batch: see `batch.py` here |

What generated files use of Metaflow by themselves is in ``runtime/driver.py``, which has to work
where this package is not. Metaflow imports this module in every process, so it imports next to
nothing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from metaflow.exception import MetaflowException

if TYPE_CHECKING:
    # Metaflow's copy has no types. Those of the click that Dagster needs say the same of our use.
    import click

    from .types import (
        CliState,
        ConfigValue,
        Flow,
        FlowDatastore,
        ForeachFrame,
        Graph,
        ListedPath,
        Parameter,
        StepDecorator,
        Storage,
        TaskDatastore,
    )

__all__ = ["click"]

TESTED = ("2.19.0", "2.19.39")
"""The oldest and the newest version of Metaflow that this package is tested with."""


class MetaflowVersionError(MetaflowException):
    """The installed Metaflow is not made as this package knows it."""

    headline = "This version of Metaflow does not fit metaflow-dagster"

    def __init__(self, part: str) -> None:
        import metaflow

        text = (
            f"Metaflow {metaflow.__version__} has no {part}, which metaflow-dagster needs. Install "
            f"a version from {TESTED[0]} to {TESTED[1]}, or a newer metaflow-dagster."
        )
        super().__init__(text)  # pyright: ignore[reportUnknownMemberType]  # it has no types


def __getattr__(name: str) -> Any:
    if name != "click":
        raise AttributeError(name)
    from metaflow._vendor import click

    return click


def part(owner: Any, name: str) -> Any:
    """A private attribute.

    Raises:
        MetaflowVersionError: Metaflow does not have it.
    """
    try:
        return getattr(owner, name)
    except AttributeError as error:
        where = owner if isinstance(owner, type) else type(owner)
        known = getattr(owner, "__name__", where.__name__)
        raise MetaflowVersionError(f"{known}.{name}") from error


# What a flow is.


def graph_of(flow: Flow) -> Graph:
    """The flow's graph."""
    return part(flow, "_graph")


def ends_of(graph: Graph) -> tuple[str, str]:
    """The names of a flow's first and last step, which older versions of Metaflow fix."""
    return getattr(graph, "start_step", "start"), getattr(graph, "end_step", "end")


def has_free_ends(graph: Graph) -> bool:
    """Whether this version lets a flow name its first and last step, and records them."""
    return hasattr(graph, "start_step")


def flow_decorators_of(flow: Flow, name: str) -> tuple[Any, ...]:
    """The flow's decorators of this name, initialised."""
    return tuple(part(flow, "_flow_decorators").get(name) or ())


def step_decorators_of(flow: Flow, step_name: str) -> list[StepDecorator]:
    """The decorators of a step: those in the source, and those that were added."""
    return list(getattr(flow, step_name).decorators)


def parameters_of(flow: Flow) -> Iterator[tuple[str, Parameter]]:
    """The flow's parameters that a run can set, each after the name of its variable.

    They come in the order in which classes declare them, those of base classes first; what
    mutators add comes last. Metaflow's own order is that of the alphabet.
    """
    declared = [name for kind in reversed(type(flow).__mro__) for name in vars(kind)]
    places = {name: place for place, name in enumerate(dict.fromkeys(declared))}
    found = [item for item in part(flow, "_get_parameters")() if not item[1].IS_CONFIG_PARAMETER]
    return iter(sorted(found, key=lambda item: places.get(item[0], len(places))))


def configs_of(flow: Flow) -> Iterator[tuple[str, Parameter]]:
    """The flow's ``Config``s, each after the name of its variable."""
    return (item for item in part(flow, "_get_parameters")() if item[1].IS_CONFIG_PARAMETER)


def check_parameters(flow: Flow) -> None:
    """Refuse parameters that cannot be together on a command line.

    Raises:
        MetaflowException: two names differ in case only.
    """
    part(flow, "_check_parameters")(config_parameters=False)


def written_spec(decorator: StepDecorator) -> str:
    """A decorator with the attributes that its author gave, as ``--with`` takes it."""
    given = part(decorator, "_user_defined_attributes")
    pairs = [
        f"{name}={value if isinstance(value, (int, float, str)) else json.dumps(value)}"
        for name, value in decorator.attributes.items()
        if name in given and value is not None
    ]
    return f"{decorator.name}:{','.join(pairs)}" if pairs else decorator.name


def added_spec(decorator: StepDecorator) -> str:
    """A decorator that ``--with`` has added, for ``--with`` to make the same of it again.

    Metaflow writes what an attribute looks like to Python and reads that as JSON, so True comes
    back as a text, and a text of digits as a number (``make_decorator_spec`` and
    ``extract_args_kwargs_from_decorator_spec`` in metaflow/decorators.py). Natively the process
    that launches tasks has the attributes themselves: ``@kubernetes`` makes options of them.
    """
    spec = decorator.make_decorator_spec()
    for name, value in getattr(decorator, "attributes", {}).items():
        if isinstance(value, bool) or (isinstance(value, str) and _reads_as_data(value)):
            written = re.escape(f"{name}={value}")
            quoted = f"{name}={json.dumps(value)}".replace("\\", r"\\")
            spec = re.sub(rf"(?<=[:,]){written}(?=,|$)", quoted, spec)
    return spec


def _reads_as_data(text: str) -> bool:
    """Whether a text in a decorator's spec is taken for something else."""
    for read in (json.loads, float):
        try:
            read(text)
        except ValueError:
            continue
        return True
    return False


def add_decorators(state: CliState, specs: Iterable[str]) -> None:
    """Add decorators to all steps, as ``--with`` does (metaflow/cli_components/run_cmds.py)."""
    from metaflow import decorators

    part(decorators, "_attach_decorators")(state.flow, specs)
    part(type(state.flow), "_init_graph")()
    state.graph = graph_of(state.flow)
    part(decorators, "_init_step_decorators")(
        state.flow, state.graph, state.environment, state.flow_datastore, state.logger
    )


def has_config_options(state: CliState) -> bool:
    """Whether configs were given on the command line."""
    return bool(getattr(state, "has_cl_config_options", False))


def settings() -> dict[str, ConfigValue]:
    """Metaflow's settings as this process has resolved them, by their names in the environment."""
    from metaflow import metaflow_config_funcs

    return part(metaflow_config_funcs, "_all_configs")


def namespaced_event(name: str) -> str | None:
    """The name of an event of this project and branch; None where Metaflow has no such events."""
    try:
        from metaflow.plugins import namespaced_events
    except ImportError:
        return None
    return part(namespaced_events, "namespaced_event_name")(name)()


def end_commands_by(leave: Callable[[Any], Any]) -> None:
    """Have Metaflow's commands, when they have done their work, call this in place of
    ``sys.exit`` (``BaseCommand.main`` in metaflow/_vendor/click/core.py)."""
    import sys

    from metaflow._vendor.click import core

    class Leaving:
        exit = staticmethod(leave)

        def __getattr__(self, name: str) -> Any:
            return getattr(sys, name)

        def __setattr__(self, name: str, value: Any) -> None:
            setattr(sys, name, value)

    part(core, "sys")
    module: Any = core
    module.sys = Leaving()


def create_deployment(deployer: Any, kind: type, **options: Any) -> Any:
    """Have a ``DeployerImpl`` run ``create``, and wrap what that says as ``kind``."""
    return part(deployer, "_create")(kind, **options)


# Datastores.


def storage_of(datastore: FlowDatastore) -> Storage:
    """What reads and writes the files of a flow's datastore."""
    return part(datastore, "_storage_impl")


def listable(datastore: FlowDatastore) -> FlowDatastore:
    """A flow's datastore that can list the tasks of a run.

    Folders end in a slash when S3 lists them, which ``get_task_datastores`` takes for a number of
    an attempt, before 2.19.4.
    """
    storage = storage_of(datastore)
    list_content = storage.list_content

    def without_slashes(paths: list[str]) -> list[ListedPath]:
        return [entry._replace(path=entry.path.rstrip("/")) for entry in list_content(paths)]

    storage.list_content = without_slashes
    return datastore


def artifacts_of(task: TaskDatastore | TaskWithArtifacts) -> tuple[dict[str, Any], dict[str, Any]]:
    """The keys of a task's artifacts, and what Metaflow notes of each."""
    return part(task, "_objects"), part(task, "_info")


class TaskWithArtifacts:
    """Stands in for a task, for ``TaskDataStore.clone``: with these artifacts."""

    def __init__(self, objects: dict[str, Any], info: dict[str, Any]) -> None:
        self._objects, self._info = objects, info


def card_paths(flow_name: str, task: TaskDatastore) -> list[str]:
    """Where a task's cards are: paths of a local datastore, URLs of any other."""
    import os

    root, cards = _cards_of(task.parent_datastore, f"{flow_name}/{task.pathspec}")
    return sorted(os.path.join(root, path) for path in _paths_of(cards))


def card_html(datastore: FlowDatastore, pathspec: str, file_name: str) -> str | None:
    """A card, if the task has one.

    Args:
        datastore: Of any flow in the same place.
        pathspec: The task's, with its flow.
        file_name: Of the card, such as ``default-8230abe1.html``.
    """
    _, cards = _cards_of(datastore, pathspec)
    for path in _paths_of(cards):
        if path.rsplit("/", 1)[-1] == file_name:
            return cards.get_card_html(path)
    return None


def _cards_of(datastore: FlowDatastore, pathspec: str) -> tuple[str, Any]:
    """Where cards are kept, and Metaflow's access to those of a task.

    Cards have a root of their own (metaflow/plugins/cards/card_client.py).
    """
    from metaflow.plugins.cards import card_datastore

    cards = part(card_datastore, "CardDatastore")
    root: str = cards.get_storage_root(datastore.TYPE)
    kind: Any = type(storage_of(datastore))
    storage: Storage = kind(root)
    return root, cards(_OnStorage(storage, pathspec.split("/")[0]), pathspec)


def _paths_of(cards: Any) -> list[str]:
    from metaflow.plugins.cards.exception import CardNotPresentException

    try:
        return cards.extract_card_paths()
    except CardNotPresentException:
        return []


class _OnStorage:
    """What CardDatastore takes of a flow datastore."""

    def __init__(self, storage: Storage, flow_name: str) -> None:
        self._storage_impl = storage
        self.flow_name = flow_name


# Tasks.


def transition_of(flow: Flow, is_parallel: bool) -> tuple[list[str], int, list[str]]:
    """What a flow says at the end of a task (set by ``next`` in metaflow/flowspec.py).

    Returns:
        The steps that follow, the number of splits of a foreach or gang, and the gang's tasks.
    """
    transition: tuple[list[str], object] = getattr(flow, "_transition", None) or ([], None)
    if is_parallel and transition[0]:  # else the task has left before it said so
        splits = part(flow, "_parallel_ubf_iter").num_parallel
    else:
        splits = getattr(flow, "_foreach_num_splits", None)
    gang: list[str] | None = getattr(flow, "_control_mapper_tasks", None)
    return list(transition[0]), splits or 0, list(gang or ())


def artifact_infos(task: TaskDatastore) -> dict[str, Any]:
    """By name: the ``type`` and ``size`` of each artifact, as Metaflow has written them
    (``save_artifacts`` in metaflow/datastore/task_datastore.py)."""
    return dict(part(task, "_info"))


def foreach_frames(flow: Flow) -> list[ForeachFrame]:
    """The foreaches around the task that is running, outermost first (``_init_foreach`` in
    metaflow/task.py)."""
    return list(getattr(flow, "_foreach_stack", None) or ())


def split_values(flow: Flow) -> list[str | None]:
    """What each split is for that a task opens, as short texts (``next`` in metaflow/flowspec.py);
    none where it opens no foreach over a list. The tasks after it inherit the texts."""
    if not getattr(flow, "_foreach_num_splits", None):
        return []
    return list(getattr(flow, "_foreach_values", None) or ())


def stored_split_values(task: TaskDatastore) -> list[str | None]:
    """The same of a finished task, from the datastore."""
    return list(task.get("_foreach_values") or ()) if task.get("_foreach_num_splits") else []


def is_unbounded(flow: Flow) -> bool:
    """Whether the foreach that a task opens is unbounded (``next`` in metaflow/flowspec.py)."""
    return bool(getattr(flow, "_unbounded_foreach", False))


def set_current(name: str, value: Any) -> None:
    """Set an attribute of ``current``."""
    from metaflow.metaflow_current import current

    part(current, "_update_env")({name: value})


def replace_events(trigger: Any, make: Callable[[tuple[Any, ...], int], Any]) -> None:
    """Have a ``Trigger`` hold what ``make`` gives for each of its events and its place."""
    events = part(trigger, "_events")
    trigger._events = [make(event, place) for place, event in enumerate(events)]


def tell_launch_hooks(**facts: Any) -> None:
    """Set what launch hooks find in Metaflow's ``system_context``; 2.19.0 has none."""
    try:
        from metaflow.system_context import system_context
    except ImportError:
        return
    part(system_context, "_update")(**facts)


def has_launch_hook(deco: Any) -> bool:
    """Whether a step decorator acts when its task is launched; newer ones do it in ``*_ctx``."""
    from metaflow.decorators import StepDecorator

    if getattr(deco, "runtime_step_cli_ctx", None) is not None:
        return True
    return part(type(deco), "runtime_step_cli") is not part(StepDecorator, "runtime_step_cli")


def call_hook(deco: Any, hook: str, new_args: tuple[Any, ...], old_args: tuple[Any, ...]) -> None:
    """Call a hook in its newer form where the decorator defines it (``<hook>_ctx``)."""
    newer = getattr(deco, f"{hook}_ctx", None)
    if newer is not None:
        newer(*new_args)
    else:
        getattr(deco, hook)(*old_args)


def read_repository(folder: str) -> dict[str, str | bool]:
    """Have Metaflow look anew at the git repository that a folder is in, and keep what it sees."""
    from metaflow import metaflow_git

    know_repository(None)
    return part(metaflow_git, "get_repository_info")(folder)


def know_repository(facts: dict[str, str | bool] | None) -> None:
    """Have Metaflow take these for the facts of the flow's repository, without a look at it.

    Raises:
        MetaflowVersionError: it keeps no such facts.
    """
    from metaflow import metaflow_git

    part(metaflow_git, "_git_info_cache")
    module: Any = metaflow_git
    module._git_info_cache = facts
