"""Going on from an earlier run: tasks that were cloned, and loops that were broken off."""

from typing import Any

from dagster import DagsterRun, OpExecutionContext

from ..contract import _make_task_id, _reexecution_suffix, _round_suffix
from .driver import _driver
from .flow import _Flow
from .identity import _continues_parent, _item, _run_suffix


def _origin_run_id(flow: _Flow, context: OpExecutionContext) -> str | None:
    """The Metaflow run that this one resumes: the run's own tag, else that of the file."""
    return context.run.tags.get("metaflow/origin_run_id") or flow.origin_run_id


def _clone_command(flow: _Flow, context: OpExecutionContext) -> list[str]:
    """Makes `init` clone the finished tasks of the origin run too (`dagster clone`)."""
    origin = _origin_run_id(flow, context)
    if origin is None:
        return []
    tags = context.run.tags
    cmd = ["dagster", "clone", "--ids-by-step", origin]
    for given in ("metaflow/resume_step", "metaflow/resume_parameters"):
        cmd.append(tags.get(given, "-"))
    return cmd


def _cloned(flow: _Flow, context: OpExecutionContext, path: str) -> Any:
    """The result of a task that was cloned, so that it need not run."""
    if _origin_run_id(flow, context) is None:
        return None
    driver = _driver(flow)
    clone = driver.clones(flow, path.split("/")[0]).get(path)
    if clone is None:
        return None
    context.log.info(f"Cloned from {clone['cloned_from']}.")
    return driver.as_result(path, clone)


def _done_before(
    flow: _Flow, context: OpExecutionContext, step_name: str, paths: list[str]
) -> Any:
    """The result of the task that an earlier Dagster run finished, where this one re-executes from
    failure.

    Items whose outer item or siblings failed are executed anew together with those, as Dagster
    knows only all items of a dynamic output or none. An earlier task counts if it is not older
    than any of the inputs.
    """
    base = f"{paths[0].split('/')[0]}/{step_name}/{_make_task_id(step_name, _item(context))}"
    run, driver = context.run, _driver(flow)
    while run.parent_run_id and run.tags.get("dagster/is_resume_retry") == "true":
        if any(
            _reexecution_suffix(run.run_id) in path.rsplit("/", 1)[1] for path in paths
        ):
            return None
        parent = context.instance.get_run_by_id(run.parent_run_id)
        if parent is None:
            return None
        run = parent
        path = base + _run_suffix(run)
        if driver.is_done(flow, path):
            task = driver.read_result(flow, path)
            if task.refusal:
                return None
            context.log.info(f"Done before, by an earlier run of the job: {path}.")
            return task
    return None


def _last_round(
    flow: _Flow, context: OpExecutionContext, step_name: str, inputs: str | list[str]
) -> tuple[int, str] | None:
    """The last round that a loop finished before this Dagster run took it up again, and its task.

    Only rounds after the same inputs count, and a loop that had come to its end begins anew: then
    somebody wants it to run again.
    """
    redos: list[str] = []
    run: DagsterRun | None = context.run
    while run is not None and run.parent_run_id and _continues_parent(run):
        redos.insert(0, _reexecution_suffix(run.run_id))
        run = context.instance.get_run_by_id(run.parent_run_id)
    earlier = ["", *redos][:-1] if redos else []
    paths = [inputs] if isinstance(inputs, str) else inputs
    for redo in redos:
        if any(redo in path.rsplit("/", 1)[1] for path in paths):
            earlier = earlier[earlier.index(redo) :] if redo in earlier else []
    run_id = paths[0].split("/")[0]
    base = f"{run_id}/{step_name}/{_make_task_id(step_name, _item(context))}"
    last, iteration, driver = None, 0, _driver(flow)
    while True:
        rounds = [base + redo + _round_suffix(iteration) for redo in reversed(earlier)]
        path = next((path for path in rounds if driver.is_done(flow, path)), None)
        if path is None:
            return last
        if driver.read_result(flow, path).next_steps != [step_name]:
            return None
        last, iteration = (iteration, path), iteration + 1
