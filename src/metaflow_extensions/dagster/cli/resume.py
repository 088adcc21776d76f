"""``dagster resume``: go on from a run, with the flow as it is now."""

from __future__ import annotations

import inspect
import os
from typing import Any

from ..deploy.home import embedded_home
from ..deploy.live import LiveTarget
from ..deploy.registry import Deployment, Registry
from ..deploy.targets import choose_target
from ..deploy.tokens import check_token
from ..errors import DagsterRunError
from .create import create_file
from .flow_options import given_parameters, own_value
from .jobs import find_deployment, job_name
from .register import TokenOptions
from .trigger import start_run

# Arguments of `create_file` that a resume gives itself.
_OURS = frozenset(("state", "file", "name", "force", "tokens", "attribute_file", "origin_run_id"))


def resume(state: Any, values: dict[str, Any]) -> bool:
    """Start a run that reuses tasks of another; False if it was followed and did not succeed."""
    origin_run_id = own_value(values, "origin_run_id")
    step = own_value(values, "step_to_rerun")
    _check(state, origin_run_id, step)
    target = choose_target(own_value(values, "url"), state.flow_datastore)
    tags = {
        "metaflow/origin_run_id": origin_run_id,
        "metaflow/resume_parameters": ",".join(given_parameters(state.flow, values)),
    }
    if step:
        tags["metaflow/resume_step"] = step
    name, authorize = own_value(values, "name"), own_value(values, "authorize")
    if isinstance(target, LiveTarget):
        # It can only run what it has loaded: the flow as it was deployed.
        deployment = find_deployment(state, name, live=True)
        check_token(deployment, authorize, "resume")
    else:
        deployment = _compile(state, job_name(state, name), origin_run_id, authorize)
    return start_run(state, target, deployment, values, tags)


def _compile(state: Any, job: str, origin_run_id: str, authorize: str | None) -> Deployment:
    """The definitions file of a resumed run, made of the flow as it is now."""
    registered = Registry.of(state.flow_datastore).get(job)
    folder = os.path.join(embedded_home(state.flow_datastore), "resumed")
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, f"{job}_{origin_run_id.replace('-', '_')}.py")
    create_file(
        state,
        file=path,
        name=job,
        origin_run_id=origin_run_id,
        force=True,
        tokens=TokenOptions(authorize),
        **_options(registered),
    )
    user = registered.user if registered else ""
    return Deployment(job, state.flow.name, path, user=user)


def _options(registered: Deployment | None) -> dict[str, Any]:
    """What ``create`` was told when the job was deployed, else its defaults."""
    from .main import create

    told = registered.options if registered else {}
    names = set(inspect.signature(create_file).parameters) - _OURS
    options = {}
    for option in create.params:
        if option.name in names:
            default = () if getattr(option, "multiple", False) else option.default
            value = told.get(option.name, default)
            options[option.name] = tuple(value) if isinstance(value, list) else value
    return options


def _check(state: Any, origin_run_id: str | None, step: str | None) -> None:
    if not origin_run_id:
        raise DagsterRunError(
            "Say which run to go on from: dagster resume --origin-run-id RUN. "
            "`dagster runs` lists those of this flow."
        )
    if step is not None and step not in state.graph.nodes:
        raise DagsterRunError(
            f"There is no step *{step}* in this flow. Its steps: {', '.join(state.graph.nodes)}."
        )
    tasks = state.flow_datastore.get_task_datastores(origin_run_id, steps=["_parameters"])
    if not tasks:
        raise DagsterRunError(
            f"Flow *{state.flow.name}* has no run *{origin_run_id}* in {state.flow_datastore.TYPE} "
            f"datastore {state.flow_datastore.datastore_root}. Check the run id; runs of other "
            "flows cannot be resumed here."
        )
