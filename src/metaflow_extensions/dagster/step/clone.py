"""``dagster clone``: begin a run that resumes another one.

Makes all tasks of the new run that need not run again, and its ``_parameters`` task last, so that
the run counts as begun only when everything is there. The rules are those of a native resume
(``NativeRuntime.clone_original_run`` in metaflow/runtime.py); the ids are those that the ops of a
generated file look for.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from metaflow.exception import MetaflowException

from .._metaflow_internals import (
    TaskWithArtifacts,
    artifacts_of,
    ends_of,
    has_free_ends,
    listable,
    parameters_of,
)
from .._metaflow_internals.untyped import (
    clone_task,
    init_command,
    register_metadata,
    tasks_of_run,
)
from ..contract import _make_task_id, _round_suffix
from ..errors import DagsterRunError
from ..graph.read import is_gang
from .result import stored_facts, transition_refusal

if TYPE_CHECKING:
    from .._metaflow_internals.types import CliState, ForeachFrame, Graph, TaskDatastore

_WORKERS = 16  # cloning waits for the datastore and the metadata service most of the time
_NONE = "-"  # an argument that was not given
_PARAMS = "params"


def clone(
    state: CliState,
    origin_run_id: str,
    step: str,
    only: str,
    arguments: Sequence[str],
    by_step: bool = True,
) -> None:
    """Clone what has succeeded of a run, then start the new run.

    Args:
        state: Metaflow's ``CliState`` with the flow loaded.
        origin_run_id: The run that is resumed.
        step: The step from which everything runs again, or ``-``.
        only: Names of the parameters to take from ``arguments``, with commas; ``-`` takes all.
        arguments: What follows ``init`` on the command line of Metaflow's own command.
        by_step: Whether the generated file names tasks after their steps. Those made by version
            0.1.0 before November 2026 call the task of each step ``task``.
    """
    origin = list(tasks_of_run(listable(state.flow_datastore), origin_run_id))
    parameters = next(
        (t for t in origin if t.pathspec.split("/")[1] == "_parameters" and t["_task_ok"]), None
    )
    if parameters is None:
        raise DagsterRunError(
            f"Flow *{state.flow.name}* has no run *{origin_run_id}* that could be resumed. Check "
            "the run id, and that the datastore is the one of that run."
        )
    wanted = None if only == _NONE else set(filter(None, only.split(",")))
    options, given = _parse(state, arguments, wanted)
    run_id = options["run_id"]
    state.metadata.add_sticky_tags(tags=options["tags"])
    state.metadata.register_run_id(run_id)

    params = state.flow_datastore.get_task_datastore(
        run_id, "_parameters", _PARAMS, attempt=0, mode="w"
    )
    params.init_task()
    params.clone(_Changed(parameters, {}, {}))
    params.save_artifacts(given.items())
    objects, info = artifacts_of(params)
    changed = _Changed(
        params, {name: objects[name] for name in given}, {name: info[name] for name in given}
    )

    rerun = _closure(state.graph, None if step == _NONE else step)
    tasks = list(_tasks_to_clone(state.graph, origin, rerun, by_step))
    names = {task.pathspec: f"{run_id}/{name}" for task, name in tasks}

    def clone_one(task: TaskDatastore) -> tuple[str, dict[str, Any]]:
        path, source = names[task.pathspec], changed.over(task)
        if gang := _gang(task):
            source = _with_gang(state, source, path, [names[member] for member in gang])
        clone_task(state, task, run_id, path.split("/")[2], source)
        return path, _facts(state.graph, task, names)

    with ThreadPoolExecutor(_WORKERS) as pool:
        clones = dict(pool.map(clone_one, [task for task, _ in tasks]))
    if not by_step:
        clones = {path: _facts_of_0_1_0(facts) for path, facts in clones.items()}
    params.save_metadata({"dagster-clones": clones}, add_attempt=False)
    _register_parameters(state, run_id, origin_run_id, parameters)
    params.done()


class _Changed(TaskWithArtifacts):
    """Stands in for the task that is cloned, with artifacts that are new.

    Steps read parameters from the task before them (``MetaflowTask._init_parameters``), so a new
    value has to be in all cloned tasks for those that run again to see it.
    """

    def __init__(
        self, task: TaskDatastore | _Changed, objects: dict[str, Any], info: dict[str, Any]
    ) -> None:
        self._new_objects, self._new_info = objects, info
        old_objects, old_info = artifacts_of(task)
        super().__init__({**old_objects, **objects}, {**old_info, **info})

    def over(self, task: TaskDatastore) -> _Changed:
        """The same changes to another task, as far as it has these artifacts."""
        names = [name for name in self._new_objects if name in artifacts_of(task)[0]]
        return _Changed(
            task,
            {name: self._new_objects[name] for name in names},
            {name: self._new_info[name] for name in names},
        )

    def get_with_pathspec(self, pathspec: str) -> _Changed:
        """What ``clone_task_helper`` asks a set of tasks for."""
        return self


def _gang(task: TaskDatastore) -> Sequence[str]:
    """The paths of the tasks that a control task has started; none for another task."""
    return task.get("_control_mapper_tasks") or ()


def _with_gang(state: CliState, source: _Changed, path: str, gang: list[str]) -> _Changed:
    """The same with the paths of the new run's gang: natively a clone keeps those of the old run,
    which leads nowhere when the new run is resumed in its turn."""
    scratch = state.flow_datastore.get_task_datastore(*path.split("/"), attempt=0, mode="w")
    scratch.save_artifacts([("_control_mapper_tasks", gang)])
    return _Changed(source, *artifacts_of(scratch))


def _parse(
    state: CliState, arguments: Sequence[str], wanted: set[str] | None
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Options of ``init``, and the parameters given there as artifacts of ``_parameters``."""
    command = init_command()
    for option in command.params:
        # What is left out stays as it was, so nothing has to be given.
        if option.name not in ("run_id", "task_id"):
            option.required = False
    options = command.make_context(
        "init", list(arguments), auto_envvar_prefix="METAFLOW_INIT"
    ).params
    names = {arg[2:].partition("=")[0] for arg in arguments if arg.startswith("--")}
    given: dict[str, Any] = {}
    for variable, parameter in parameters_of(state.flow):
        name = parameter.name
        envvar = "METAFLOW_INIT_" + name.replace("-", "_").upper()
        if not (name in names or envvar in os.environ):
            continue
        if wanted is not None and name not in wanted:
            continue
        value: Any = options[name.replace("-", "_").lower()]
        # As in FlowSpec._set_constants (metaflow/flowspec.py).
        if callable(value):
            value = value()
        given[variable] = value.split(parameter.separator) if parameter.separator else value
    return options, given


def _closure(graph: Graph, step: str | None) -> set[str]:
    """A step and all that follow it."""
    if step is not None and step not in graph.nodes:
        known = ", ".join(graph.nodes)
        raise MetaflowException(f"There is no step *{step}* in this flow. Its steps: {known}.")
    found, queue = set[str](), [] if step is None else [step]
    while queue:
        name = queue.pop()
        if name not in found:
            found.add(name)
            queue.extend(graph[name].out_funcs)
    return found


def _tasks_to_clone(
    graph: Graph, origin: Iterable[TaskDatastore], rerun: set[str], by_step: bool
) -> Iterator[tuple[TaskDatastore, str]]:
    """The tasks that need not run again, each with ``step/task id`` in the new run."""
    finished: dict[str, TaskDatastore] = {}
    mappers: dict[str, TaskDatastore] = {}
    for task in origin:
        step_name = task.pathspec.split("/")[1]
        if step_name == "_parameters" or step_name in rerun or step_name not in graph.nodes:
            continue
        if not task["_task_ok"]:
            continue
        if is_gang(graph[step_name]) and not _gang(task):
            mappers[task.pathspec] = task
            continue
        name = f"{step_name}/{_task_id(graph, step_name, task, by_step)}"
        if name not in finished or _started(task) > _started(finished[name]):
            finished[name] = task
    for name, task in finished.items():
        # The tasks of a gang go with their control task, which is the first of them in @parallel.
        # Where one of them has not succeeded, or is in another run, all of them run again.
        parallel = graph[name.split("/")[0]].parallel_step
        others = [(n, path) for n, path in enumerate(_gang(task)) if path != task.pathspec]
        if any(path not in mappers for _, path in others):
            continue
        yield task, name
        for number, path in others:
            yield mappers[path], f"{name}_node_{number}" if parallel else f"{name}-{number}"


def _task_id(graph: Graph, step_name: str, task: TaskDatastore, by_step: bool) -> str:
    """The id that the op of this task gives it (``_task_id`` in the generated file)."""
    frames: Sequence[ForeachFrame] = task.get("_foreach_stack") or ()
    indices = [frame.index for frame in frames if not is_gang(graph[frame.step])]
    rounds: Sequence[int] = task.get("_iteration_stack") or ()
    name = step_name if by_step else "task"
    return _make_task_id(name, indices) + "".join(map(_round_suffix, rounds))


def _started(task: TaskDatastore) -> float:
    """When the attempt began, in Unix time (``init_task`` in metaflow/datastore)."""
    return task.load_metadata(["attempt.json"])["attempt.json"]["time"]


def _facts(graph: Graph, task: TaskDatastore, names: dict[str, str]) -> dict[str, Any]:
    """What the op hands on (``TaskResult`` in driver/result.py)."""
    node = graph[task.pathspec.split("/")[1]]
    facts = stored_facts(task, node.parallel_foreach)
    return {
        **facts,
        "refusal": transition_refusal(node, facts["next_steps"], is_ok=True),
        "gang": [names[path] for path in facts["gang"]],
        "cloned_from": task.pathspec,
    }


def _facts_of_0_1_0(facts: dict[str, Any]) -> dict[str, Any]:
    """The part of them that definitions files of version 0.1.0 can take."""
    known = ("splits", "next_steps", "gang", "cloned_from")
    return {name: facts[name] for name in known} | {"artifacts": sorted(facts["artifacts"])}


def _register_parameters(
    state: CliState, run_id: str, origin_run_id: str, parameters: TaskDatastore
) -> None:
    """The metadata of ``_parameters``: where it is from, and where the graph begins and ends."""
    metadata, graph = state.metadata, state.graph
    metadata.register_task_id(run_id, "_parameters", _PARAMS, 0)
    fields = [
        ("origin-task-id", parameters.pathspec.split("/")[2], "origin-task-id"),
        ("origin-run-id", origin_run_id, "origin-run-id"),
        ("attempt", "0", "attempt"),
        ("attempt_ok", "True", "internal_attempt_status"),
    ]
    if has_free_ends(graph):
        start, end = ends_of(graph)
        fields += [("start_step", start, "graph_structure"), ("end_step", end, "graph_structure")]
    register_metadata(metadata, run_id, "_parameters", _PARAMS, fields, attempt=0)
