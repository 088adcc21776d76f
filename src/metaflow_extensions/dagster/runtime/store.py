"""What the op itself takes of Metaflow: its datastore, and its way with code packages.

All that a generated file uses of Metaflow's insides is here, inside functions: importing Metaflow
takes a while, and the file has to work where metaflow-dagster, which has them checked and typed
(`_metaflow_internals`), is not installed.
"""

import json
import os
import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from io import BytesIO
from typing import Any

from ..contract import _transition_error
from .flow import _Flow
from .process import _Outcome

_EPOCH = datetime(1970, 1, 1)  # Metaflow's log lines carry UTC without a zone


@dataclass
class _Facts:
    """What a finished task says about the way on (see the `dagster_internal` decorator).

    `artifacts` have, by name, type, size and maybe value; `item` is what a foreach's task is for;
    `cards` are paths or URLs; `url` is the task's page in Metaflow's UI; `error` is why it failed,
    `refusal` why the run cannot go on after it although it did not.
    """

    splits: int = 0
    next_steps: list[str] = field(default_factory=list)
    gang: list[str] = field(default_factory=list)
    artifacts: dict[str, list[Any]] = field(default_factory=dict)
    cards: list[str] = field(default_factory=list)
    item: str | None = None
    cloned_from: str | None = None
    url: str | None = None
    error: str | None = None
    refusal: str | None = None


def _top_option(flow: _Flow, name: str) -> str:
    """The value of one of METAFLOW_TOP_ARGS."""
    prefix = f"--{name}="
    return next(
        arg[len(prefix) :] for arg in flow.metaflow_top_args if arg.startswith(prefix)
    )


def _storage(flow: _Flow) -> Any:
    """Metaflow's access to the datastore's files."""
    # Metaflow reads its settings when it is imported.
    for name, value in flow.metaflow_step_env.items():
        os.environ.setdefault(name, value)
    from metaflow.plugins import DATASTORES

    kind = _top_option(flow, "datastore")
    storage = next(impl for impl in DATASTORES if kind == impl.TYPE)
    return storage(_top_option(flow, "datastore-root"))


def _task_datastore(
    flow: _Flow, path: str, mode: str, attempt: int | None = None
) -> Any:
    """Open a task's datastore; reading without an attempt opens the one that succeeded.

    Raises:
        metaflow.datastore.exceptions.DataException: no such (finished) task.
    """
    storage = _storage(flow)
    from metaflow.datastore.flow_datastore import FlowDataStore

    store = FlowDataStore(
        flow.flow_name, None, storage_impl=type(storage), ds_root=storage.datastore_root
    )
    run_id, step_name, task_id = path.split("/")
    return store.get_task_datastore(
        run_id, step_name, task_id, attempt=attempt, mode=mode
    )


def _extract_package(metadata: str, blob: bytes, folder: str) -> None:
    """Unpack a code package, whose format `metadata` describes."""
    from metaflow.package import MetaflowPackage

    MetaflowPackage.cls_extract_into(metadata, BytesIO(blob), folder)


def _package_variables(metadata: str, folder: str) -> dict[str, str]:
    """The variables with which processes use an unpacked code package."""
    from metaflow.package import MetaflowPackage

    env: dict[str, str] = {}
    to_set = MetaflowPackage.get_post_extract_env_vars(metadata, folder)
    for name, value in to_set.items():
        # With a colon it replaces what is there, without one it goes before it.
        before = None if name.endswith(":") else os.environ.get(name)
        env[name.rstrip(":")] = f"{value}{os.pathsep}{before}" if before else value
    return env


def _is_done(flow: _Flow, path: str) -> bool:
    """Whether a task has succeeded; a failed attempt is finished too, but not that."""
    from metaflow.datastore.exceptions import DataException

    try:
        return bool(_task_datastore(flow, path, "r").get("_task_ok"))
    except DataException:
        return False


def _read_facts(flow: _Flow, result_file: str, path: str) -> _Facts:
    """The facts that the task left in a file, or else in the datastore (remote compute)."""
    if os.path.getsize(result_file):
        with open(result_file, encoding="utf-8") as file:
            return _Facts(**json.load(file))
    task = _task_datastore(flow, path, "r")
    next_steps = list((task.get("_transition") or ([], None))[0])
    step_name = path.split("/")[1]
    step = task["_graph_info"]["steps"][step_name]
    ubf = task.get("_parallel_ubf_iter")
    return _Facts(
        splits=ubf.num_parallel if ubf else task.get("_foreach_num_splits") or 0,
        next_steps=next_steps,
        gang=list(task.get("_control_mapper_tasks") or []),
        **_shown_parts(task),
        refusal=_transition_error(
            step_name,
            next_steps,
            step["next"],
            is_switch=step["type"] == "split-switch",
            is_ok=bool(task.get("_task_ok")),
        ),
    )


def _shown_parts(task: Any) -> dict[str, Any]:
    """What Dagster shows of a task; without metaflow-dagster, the names of its artifacts."""
    try:
        from metaflow_extensions.dagster.step.artifacts import (  # pyright: ignore
            describe_artifacts,
            item_label,
        )
    except ImportError:
        names = sorted(name for name, _ in task.items() if not name.startswith("_"))
        return {"artifacts": {name: [] for name in names}}
    frames = task.get("_foreach_stack") or ()
    return {"artifacts": describe_artifacts(task), "item": item_label(frames)}


def _facts_of(flow: _Flow, result_file: str, path: str, failed: bool) -> _Facts:
    """The facts of an attempt; of a failed one only what it has left in a file."""
    if failed and not os.path.getsize(result_file):
        return _Facts()
    from metaflow.datastore.exceptions import DataException

    try:
        return _read_facts(flow, result_file, path)
    except DataException as error:
        return _Facts(refusal=f"It ended its process before it was done: {error}")


def _save_attempt(flow: _Flow, path: str, attempt: int, outcome: _Outcome) -> None:
    """Save an attempt's logs and exit code where a native run saves them.

    Source: Worker.terminate and Worker.emit_log in metaflow/runtime.py.
    """
    task = _task_datastore(flow, path, "w", attempt)
    from metaflow.mflog import RUNTIME_LOG_SOURCE, mflog

    code = outcome.returncode
    task.save_metadata(
        {
            "runtime": {
                "return_code": code,
                "killed": outcome.timed_out,
                "success": code == 0,
            }
        }
    )
    stderr = list(outcome.stderr)
    if code and not outcome.timed_out:
        text = (
            b"Task failed with a segmentation fault."
            if code == -11
            else b"Task failed."
        )
        stderr.append((time.time_ns() // 1000, text))
    logs: dict[str, BytesIO] = {}
    for stream, lines in (("stdout", outcome.stdout), ("stderr", stderr)):
        logs[stream] = BytesIO(
            b"".join(
                _log_line(mflog, RUNTIME_LOG_SOURCE, when, line) for when, line in lines
            )
        )
    task.save_logs(RUNTIME_LOG_SOURCE, logs)


def _log_line(mflog: Any, source: str, when: int, line: bytes) -> bytes:
    """A line as Metaflow stores it; one that a remote task has stored already becomes nothing."""
    if mflog.is_structured(line) and (parsed := mflog.parse(line)):
        return mflog.unset_should_persist(line) if parsed.should_persist else b""
    return mflog.decorate(source, line, now=_EPOCH + timedelta(microseconds=when))
