"""``dagster resume``: continue from a run, with the flow as it is now or as it was deployed."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from metaflow.includefile import IncludedFile

from .._metaflow_internals import configs_of, has_config_options, listable, parameters_of
from .._metaflow_internals.untyped import config_values
from ..contract import tags
from ..deploy.registry import Deployment, Registry
from ..deploy.tokens import check_token
from ..errors import DagsterRunError
from ..plan.options import CreateOptions
from ..targets.choose import choose_target
from ..targets.home import embedded_home
from .create import create_file
from .flow_options import as_list, given_parameters, own_value
from .jobs import find_deployment, job_name
from .register import TokenOptions
from .trigger import start_run

if TYPE_CHECKING:
    from .._metaflow_internals.types import CliState, TaskDatastore


def resume(state: CliState, values: dict[str, Any]) -> bool:
    """Start a run that reuses tasks of another; False if it was followed and did not succeed."""
    origin_run_id = own_value(values, "origin_run_id")
    step = own_value(values, "step_to_rerun")
    target = choose_target(own_value(values, "url"), state.flow_datastore)
    # A live deployment can only run what it has loaded.
    live = target.is_live
    as_deployed = live or own_value(values, "as_deployed")
    name, authorize = own_value(values, "name"), own_value(values, "authorize")
    if as_deployed:
        deployment = find_deployment(state, name, live=live)
        check_token(deployment, authorize, "resume")
        _check_step(step, deployment.steps or list(state.graph.nodes))
        required = _required(state, values, _origin(state, origin_run_id))
    else:
        _check_step(step, list(state.graph.nodes))
        _use_configs_of(state, _origin(state, origin_run_id))
        deployment = _compile(state, job_name(state, name), origin_run_id, authorize)
        required = {}
    run_tags = {
        tags.ORIGIN_RUN_ID: origin_run_id,
        tags.RESUME_PARAMETERS: ",".join(given_parameters(state.flow, values)),
    }
    if step:
        run_tags[tags.RESUME_STEP] = step
    return start_run(state, target, deployment, values, run_tags, required)


def _required(state: CliState, values: dict[str, Any], origin: TaskDatastore) -> dict[str, Any]:
    """What a deployed job demands and the command does not give: as it was in the origin run."""
    given = given_parameters(state.flow, values)
    found: dict[str, Any] = {}
    for variable, parameter in parameters_of(state.flow):
        if parameter.name not in given and parameter.kwargs.get("required") and variable in origin:
            value: Any = origin[variable]
            if isinstance(value, IncludedFile):
                value = json.dumps(value.descriptor)
            found[parameter.name] = as_list(value)
    return found


def _compile(state: CliState, job: str, origin_run_id: str, authorize: str | None) -> Deployment:
    """The definitions file of a resumed run, made of the flow as it is now."""
    registered = Registry.of(state.flow_datastore).get(job)
    folder = os.path.join(embedded_home(state.flow_datastore), "resumed")
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, f"{job}_{origin_run_id.replace('-', '_')}.py")
    create_file(
        state,
        replace(registered.options if registered else CreateOptions(), name=job),
        file=path,
        force=True,
        tokens=TokenOptions(authorize),
        origin_run_id=origin_run_id,
    )
    user = registered.user if registered else ""
    return Deployment(job, state.flow.name, path, user=user)


def _check_step(step: str | None, steps: list[str]) -> None:
    if step is not None and step not in steps:
        raise DagsterRunError(
            f"There is no step *{step}* in this flow. Its steps: {', '.join(steps)}."
        )


def _origin(state: CliState, origin_run_id: str | None) -> TaskDatastore:
    """The ``_parameters`` task of the origin run.

    Raises:
        DagsterRunError: there is no such run.
    """
    if not origin_run_id:
        raise DagsterRunError(
            "Say which run to continue from: dagster resume --origin-run-id RUN. "
            "`dagster runs` lists those of this flow."
        )
    tasks = listable(state.flow_datastore).get_task_datastores(origin_run_id, steps=["_parameters"])
    if not tasks:
        raise DagsterRunError(
            f"Flow *{state.flow.name}* has no run *{origin_run_id}* in {state.flow_datastore.TYPE} "
            f"datastore {state.flow_datastore.datastore_root}. Check the run id; runs of other "
            "flows cannot be resumed here."
        )
    return tasks[0]


def _use_configs_of(state: CliState, parameters: TaskDatastore) -> None:
    """Start the command again with the configs of the origin run, where they are others.

    Configs decide what the flow is (decorators, mutators), so they have to be there before the
    flow is loaded. They are handed over in the form in which steps get them.
    """
    values = json.loads(json.dumps(config_values(state.flow)))
    configs = values.get("user_configs", {})
    changed: dict[str, Any] = {}
    for variable, parameter in configs_of(state.flow):
        if variable in parameters:
            _, is_plain = configs[parameter.name]
            changed[parameter.name] = [parameters[variable], is_plain]
    changed = json.loads(json.dumps(changed))
    if not changed or changed == configs or "--local-config-file" in sys.argv:
        return
    if has_config_options(state):
        raise DagsterRunError(
            "Configs come from the run that is resumed. Leave out --config and --config-value."
        )
    # The file has to be there until the command has read it, when this one is no more.
    with tempfile.NamedTemporaryFile("w", suffix=".json", delete=False) as file:
        json.dump({"user_configs": changed}, file)
    options = ["--local-config-file", file.name]
    for name in changed:
        options += ["--config-value", name, f"kv.{name}"]
    os.execv(sys.executable, [sys.executable, sys.argv[0], *options, *sys.argv[1:]])
