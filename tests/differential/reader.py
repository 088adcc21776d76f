"""What a run left behind, as plain data. Runs as a process of its own that answers requests.

One process serves a whole test session: Metaflow and Dagster are imported once, and each request
names the project folder (Metaflow) or the DAGSTER_HOME to look into. A request and an answer are
one line of JSON each.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import sys
import traceback
from collections.abc import Callable, Iterable
from typing import Any

_LONGEST = 4000
"""Characters of a value that are kept for the report; longer ones keep their hash too."""


# -- Metaflow ------------------------------------------------------------------------------


def read_metaflow(
    folder: str, flow: str, run_id: str, sources: Iterable[str] = (), metadata: str = ""
) -> dict[str, Any]:
    """Everything that the client tells about a run, with ids and paths made neutral.

    The flow's source is in `folder`, or in folders that match the patterns `sources`.
    Tasks are keyed by step, foreach indices and loop iteration: ``body[2_0]``, ``again.i1``.
    """
    import metaflow

    metaflow.namespace(None)
    metaflow.metadata(metadata or f"local@{folder}")
    run = metaflow.Run(f"{flow}/{run_id}")
    steps = {step.id: list(step) for step in run}
    steps["_parameters"] = list(metaflow.Step(f"{flow}/{run_id}/_parameters"))
    tasks = {_key(step, task): task for step, found in steps.items() for task in found}
    doubles = sum(map(len, steps.values())) - len(tasks)
    keys = {task.pathspec.split("/", 1)[1]: key for key, task in tasks.items()}
    neutral = _neutral(folder, run_id, keys, sources)
    graph = tasks["_parameters"]["_graph_info"].data
    has_cards = "'card'" in repr(graph)
    return {
        "run": {
            "successful": run.successful,
            "finished": run.finished,
            "finished_at": run.finished_at is not None,
            "end_task": run.end_task and keys[run.end_task.pathspec.split("/", 1)[1]],
            "user_tags": sorted(run.user_tags),
            "system_tags": sorted(run.system_tags),
            "tasks_with_the_same_key": doubles,
        },
        "graph": _edges(graph),
        "tasks": {key: _task(task, keys, neutral, has_cards) for key, task in tasks.items()},
    }


def read_successes(flow: str, run_id: str, metadata: str) -> dict[str, int] | None:
    """How often each task of a run has succeeded. None where the run has no task yet.

    An attempt that is repeated after it has succeeded counts twice.
    """
    import metaflow
    from metaflow.exception import MetaflowNotFound

    metaflow.namespace(None)
    metaflow.metadata(metadata)
    try:
        first = metaflow.Step(f"{flow}/{run_id}/_parameters").task
        if first is None or "_graph_info" not in first:
            return None
        tasks = [task for step in metaflow.Run(f"{flow}/{run_id}") for task in step]
    except MetaflowNotFound:
        return None
    return {
        task.pathspec: sum(
            (item["field_name"], item["value"]) == ("attempt_ok", "True")
            for item in _metadata_records(task)
        )
        for task in tasks
    }


def _metadata_records(task: Any) -> list[dict[str, Any]]:
    get = task._metaflow.metadata.get_object
    return get("task", "metadata", None, None, *task.path_components)


def _key(step: str, task: Any) -> str:
    path = task.metadata_dict.get("foreach-execution-path")
    indices = [frame.rsplit(":", 1)[1] for frame in path.split(",")] if path else []
    key = step + (f"[{'_'.join(indices)}]" if indices else "")
    try:
        iterations = task["_iteration_stack"].data
    except KeyError:
        iterations = ()
    return key + "".join(f".i{n}" for n in iterations)


def _task(task: Any, keys: dict[str, str], neutral: Callable[[str], str], cards: bool) -> Any:
    import metaflow

    def related(pathspecs: Iterable[str]) -> list[str]:
        return sorted(keys[spec.split("/", 1)[1]] for spec in pathspecs)

    in_graph = task.parent.id != "_parameters"
    # Without artifacts (the process was killed) the client knows no relations.
    is_related = in_graph and "_graph_info" in task
    metadata: dict[str, Any] = {}
    for item in _metadata_records(task):
        attempt = next((t[11:] for t in item["tags"] if t.startswith("attempt_id:")), "none")
        name, value = item["field_name"], neutral(str(item["value"]))
        if item["type"] == "card-info":  # named by a random id
            name, value = "card", value.replace(name, "<card>")
        found = metadata.setdefault(attempt, {}).setdefault(name, [])
        if value not in found:
            found.append(value)
    attempts = {}
    for number in range(task.current_attempt + 1):
        attempt = metaflow.Task(task.pathspec, attempt=number, _namespace_check=False)
        attempts[str(number)] = {
            "artifacts": {name: _value(attempt[name], neutral) for name in _names(attempt)},
            "stdout": neutral(attempt.stdout),
            "stderr": neutral(attempt.stderr),
        }
    return {
        "attempts": attempts,
        "metadata": {a: {k: sorted(v) for k, v in m.items()} for a, m in metadata.items()},
        "successful": task.successful,
        "finished": task.finished,
        "finished_at": task.finished_at is not None,
        "exception": neutral(str(task.exception)),
        "user_tags": sorted(task.user_tags),
        "system_tags": sorted(task.system_tags),
        "parents": related(task.parent_task_pathspecs) if is_related else [],
        "children": related(task.child_task_pathspecs) if is_related else [],
        "cards": _cards(task) if cards and in_graph else [],
    }


def _cards(task: Any) -> list[tuple[str, str | None]]:
    from metaflow.cards import get_cards
    from metaflow.plugins.cards.exception import CardNotPresentException

    try:
        return sorted(((card.type, card.id) for card in get_cards(task)), key=repr)
    except CardNotPresentException:
        return []


def _names(attempt: Any) -> list[str]:
    """All artifacts, also Metaflow's own (``_foreach_stack``), which iteration leaves out."""
    get = attempt._metaflow.metadata.get_object
    found = get("task", "artifact", None, attempt._attempt, *attempt.path_components)
    return sorted({artifact["name"] for artifact in found})


def _value(artifact: Any, neutral: Callable[[str], str]) -> str:
    try:
        value = artifact.data
    except Exception as error:
        # The flow's own classes cannot be loaded here; equal bytes are equal values.
        return f"{type(error).__name__} on loading; sha {artifact._object['sha']}"
    if artifact.id == "_graph_info":
        # Which extensions Metaflow found belongs to the machine, not to the run.
        value = {name: part for name, part in value.items() if name != "extensions"}
    text = neutral(_text(value))
    if len(text) > _LONGEST:
        digest = hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()
        return f"{text[:_LONGEST]}... {len(text)} characters, sha256 {digest}"
    return text


def _text(value: Any) -> str:
    """A text that two values share when they are equal and of equal types, inside too."""
    if value is None or isinstance(value, (bool, int, float, str, bytes)):
        return repr(value) if type(value).__module__ == "builtins" else _object(value)
    if type(value) in (list, tuple):
        inside = ", ".join(map(_text, value))
        comma = "," if len(value) == 1 else ""
        return f"[{inside}]" if type(value) is list else f"({inside}{comma})"
    if type(value) is dict:
        return "{" + ", ".join(f"{_text(k)}: {_text(v)}" for k, v in value.items()) + "}"
    if type(value) in (set, frozenset):
        return f"{type(value).__name__}({', '.join(sorted(map(_text, value)))})"
    return _object(value)


def _object(value: Any) -> str:
    kind = type(value)
    name = f"{kind.__module__}.{kind.__qualname__}"
    # A flow file is __main__ natively; what is pickled from there stays there.
    if hasattr(value, "_fields"):
        return f"{kind.__qualname__}({', '.join(map(_text, tuple(value)))})"
    state = getattr(value, "__dict__", None)
    if state:
        return f"{name}{_text(dict(state))}"
    return f"{name} {re.sub(r' at 0x[0-9a-f]+', '', repr(value))}"


def _neutral(
    folder: str, run_id: str, keys: dict[str, str], sources: Iterable[str]
) -> Callable[[str], str]:
    pathspec = re.compile(rf"\b{re.escape(run_id)}/(\w+)/([\w.\-]+)")

    def replace(match: re.Match[str]) -> str:
        return "<run>/" + keys.get(match.group(0), match.group(1) + "/?")

    def neutral(text: str) -> str:
        for path in dict.fromkeys((folder, os.path.realpath(folder))):
            text = text.replace(path, "<project>")
        for pattern in sources:
            text = re.sub(pattern, "<project>", text)
        # Each container has a root folder of its own.
        text = re.sub(
            r"/[^\s\"']*?/(cluster/pods|batch/jobs)/[0-9a-f-]{32,36}\b", "<container>", text
        )
        # A run on another machine has the flow from its code package.
        text = re.sub(
            r"(?<=<project>)(/elsewhere)?/\.cache/metaflow-dagster/packages/[0-9a-f]{40}", "", text
        )
        # It has Metaflow from there too.
        text = re.sub(r"<project>/(\.mf_code|\S+/site-packages)/metaflow/", "<metaflow>/", text)
        text = re.sub(r"/\S+/site-packages/metaflow/", "<metaflow>/", text)
        text = pathspec.sub(replace, text).replace(run_id, "<run>")
        return re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}", "<time>", text)

    return neutral


def _edges(graph_info: Any) -> dict[str, Any]:
    return {
        name: {"type": step["type"], "next": step["next"]}
        for name, step in graph_info["steps"].items()
    }


# -- Dagster -------------------------------------------------------------------------------


def read_dagster(home: str, tag: str) -> dict[str, Any] | None:
    """Status, steps and failures of the Dagster run that carries the tag ``differential``.

    None if there is no such run: the job was not even loaded.
    """
    from dagster import DagsterEventType, DagsterInstance, RunsFilter

    with DagsterInstance.from_config(home) as instance:
        run = next(iter(instance.get_runs(RunsFilter(tags={"differential": tag}))), None)
        if run is None:
            return None
        steps = {
            stats.step_key: {
                "status": stats.status.value if stats.status else None,
                "attempts": stats.attempts,
                "start": stats.start_time,
                "end": stats.end_time,
            }
            for stats in instance.get_run_step_stats(run.run_id)
        }
        logs = instance.all_logs(
            run.run_id, of_type={DagsterEventType.STEP_FAILURE, DagsterEventType.RUN_FAILURE}
        )
        failures = {
            entry.step_key or "run": _failure(entry.dagster_event)
            for entry in logs
            if entry.dagster_event
        }
        return {
            "run_id": run.run_id,
            "metaflow_run_id": "dagster-" + hashlib.sha1(run.run_id.encode()).hexdigest()[:12],
            "status": run.status.value,
            "tags": {k: v for k, v in run.tags.items() if not k.startswith(".dagster")},
            "steps": steps,
            "failures": failures,
        }


def _failure(event: Any) -> str:
    data = event.event_specific_data
    error = getattr(data, "error", None)
    while error is not None and error.cause is not None:
        error = error.cause
    return error.message if error is not None else event.message or ""


# -- Requests ------------------------------------------------------------------------------

_REQUESTS: dict[str, Callable[..., Any]] = {
    "metaflow": read_metaflow,
    "successes": read_successes,
    "dagster": read_dagster,
}


def main() -> None:
    """Answer requests until there are no more; what libraries print goes to stderr."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    for line in sys.stdin:
        name, arguments = json.loads(line)
        try:
            answer: Any = {"answer": _REQUESTS[name](**arguments)}
        except Exception:
            answer = {"error": traceback.format_exc()}
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
