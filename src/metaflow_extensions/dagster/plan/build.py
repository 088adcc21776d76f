"""Reads a loaded flow into a JobPlan. The one place where all parts of the plan meet."""

from __future__ import annotations

import hashlib
import json
import os
import re
import sys
from collections.abc import Callable
from typing import Any

from metaflow.decorators import flow_decorators
from metaflow.user_configs.config_parameters import dump_config_values

from .._metaflow_internals import graph_of
from ..errors import DagsterDeployError
from ..graph import FlowShape, StepKind, read_shape
from .engine import EnginePlan, merged, plan_engine, with_engine
from .hooks import plan_exit_hooks
from .job import JobPlan, PackagePlan
from .model import OpPlan, Plumbing
from .names import is_valid_dagster_name
from .options import CreateOptions
from .parameters import plan_parameters
from .schedule import plan_schedule
from .settings import bake_settings
from .steps import has_launch_hooks, plan_retry, plan_timeout, static_specs, with_specs
from .triggers import plan_triggers
from .wiring import StepPorts, wire


def build_plan(
    state: Any,
    options: CreateOptions,
    regenerate: str,
    upload_package: Callable[[], PackagePlan],
) -> JobPlan:
    """Plan the definitions file of a flow.

    Args:
        state: Metaflow's ``CliState`` with the flow loaded, linted and its decorators initialised.
        options: The command's options.
        regenerate: The command that makes the file again.
        upload_package: Puts the flow's code into the datastore; called when all else is well.

    Raises:
        DagsterDeployError: something in the flow or the options cannot be deployed.
    """
    flow = state.flow
    shape = read_shape(graph_of(flow))
    job_name = options.name or default_job_name(flow)
    if not is_valid_dagster_name(job_name):
        raise DagsterDeployError(
            f"*{job_name}* cannot be a Dagster job name: use letters, digits and underscores, not "
            "starting with a digit, and no Python keyword. Choose another one with --name."
        )
    schedule = plan_schedule(flow)
    triggers = plan_triggers(flow)
    # What triggers start runs with is checked by plan_triggers.
    reason = "@schedule" if schedule else None
    flow_file = os.path.abspath(sys.argv[0])
    reserved = {job_name, f"{flow.name}Config", *(kind.value for kind in Plumbing)}
    engine = plan_engine(options, lambda text: state.echo(text, fg="yellow"))
    ports, wiring = wire(shape, reserved | {f"op_{step.name}" for step in shape.steps})
    return JobPlan(
        flow_name=flow.name,
        job_name=job_name,
        flow_file=flow_file,
        working_dir=_working_dir(flow_file, state.flow_datastore),
        regenerate=regenerate,
        description=(shape.doc or "").strip(),
        top_args=_top_args(state),
        step_env=_step_env(state, options),
        config_values=json.loads(json.dumps(dump_config_values(flow))),
        decorator_specs={s.name: static_specs(flow, s.name) for s in shape.steps},
        with_decorators={s.name: with_specs(flow, s.name) for s in shape.steps},
        tags=options.tags,
        namespace=options.namespace,
        workflow_timeout=options.workflow_timeout,
        engine=engine,
        job_tags=_job_tags(flow, shape, options, engine),
        parameters=plan_parameters(flow, must_have_defaults=reason),
        ops=with_engine((_op(flow, shape, port, job_name) for port in ports), flow, options),
        wiring=wiring,
        schedule=schedule,
        triggers=triggers,
        exit_hooks=plan_exit_hooks(flow),
        schedule_on=options.schedule_on,
        triggers_on=options.triggers_on,
        emit_events=options.emit_events,
        package=upload_package(),
    )


def _step_env(state: Any, options: CreateOptions) -> dict[str, str]:
    def warn(text: str) -> None:
        state.echo(text, fg="yellow")

    switch = {} if options.warm_start else {"METAFLOW_DAGSTER_WARM": "0"}  # see step/warm.py
    return {**bake_settings(os.environ, warn=warn), **switch}


def default_job_name(flow: Any) -> str:
    """The flow's name; in a project ``<project>__<branch>__<flow>``, so that no two collide.

    Metaflow joins the parts with dots (``project_flow_name``, metaflow/plugins/
    project_decorator.py), which Dagster refuses. Where the parts could be read in two ways after
    that, or hold other characters that Dagster refuses, a short hash of the name is added.
    """
    from metaflow import current

    return job_name_of(current.get("project_flow_name") or flow.name)


def job_name_of(name: str) -> str:
    """The default name of a job, by the name that Metaflow gives its flow, such as ``p.prod.F``."""
    parts = [re.sub("[^A-Za-z0-9_]", "_", part) for part in name.split(".")]
    job_name = "__".join(parts)
    ambiguous = any("__" in part or part.strip("_") != part for part in parts)
    if len(parts) > 1 and (ambiguous or parts != name.split(".")):
        job_name += "_" + hashlib.sha1(name.encode()).hexdigest()[:6]
    return job_name


def _op(flow: Any, shape: FlowShape, ports: StepPorts, job_name: str) -> OpPlan:
    step = shape[ports.step]
    return OpPlan(
        step=ports.step,
        function=ports.key,
        op_name=f"{job_name}__{ports.step}",
        key=ports.key,
        inputs=ports.inputs,
        arrival=ports.arrival,
        departure=ports.departure,
        choices=ports.choices,
        split_item=ports.split_item,
        gang=step.is_gang,
        loop=step.kind is StepKind.LOOP,
        retry=plan_retry(flow, ports.step),
        timeout=plan_timeout(flow, ports.step),
        hooks=has_launch_hooks(flow, ports.step),
        doc=step.doc,
    )


def _top_args(state: Any) -> tuple[str, ...]:
    """Options before the command, as native passes them (metaflow/runtime.py, CLIArgs)."""
    args: list[str] = []
    for deco in flow_decorators(state.flow):
        for name, value in dict(deco.get_top_level_options()).items():
            if value is None or value is False:
                continue
            flag = "--" + name.replace("_", "-")
            values = value if isinstance(value, (list, tuple)) else [value]
            args += [flag if v is True else f"{flag}={v}" for v in values]
    return (
        *args,
        "--quiet",
        "--no-pylint",
        f"--metadata={state.metadata.TYPE}",
        f"--environment={state.environment.TYPE}",
        f"--datastore={state.flow_datastore.TYPE}",
        f"--datastore-root={state.flow_datastore.datastore_root}",
        f"--event-logger={state.event_logger.TYPE}",
        f"--monitor={state.monitor.TYPE}",
    )


def _working_dir(flow_file: str, datastore: Any) -> str:
    """Where steps run: the flow's folder, unless Metaflow would not find its data from there.

    Metaflow's card writer looks for ``.metaflow`` from the working directory upwards
    (metaflow/plugins/datastores/local_storage.py), so that must lead to the datastore in use.
    """
    folder = os.path.dirname(flow_file)
    if datastore.TYPE != "local":
        return folder
    root = os.path.abspath(datastore.datastore_root)
    current = folder
    while True:
        candidate = os.path.join(current, ".metaflow")
        if os.path.isdir(candidate):
            return (
                folder
                if os.path.realpath(candidate) == os.path.realpath(root)
                else (os.path.dirname(root))
            )
        if os.path.dirname(current) == current:
            return os.path.dirname(root)
        current = os.path.dirname(current)


def _job_tags(
    flow: Any, shape: FlowShape, options: CreateOptions, engine: EnginePlan
) -> dict[str, Any]:
    """Tags by which sensors and the Deployer find a flow's runs, whatever the job is called, and
    those that were asked for."""
    from metaflow import current

    tags: dict[str, Any] = {"metaflow/flow": flow.name}
    for key, name in (("metaflow/project", "project_name"), ("metaflow/branch", "branch_name")):
        if current.get(name):
            tags[key] = current.get(name)
    if shape.end != "end":
        tags["metaflow/end_step"] = shape.end
    if options.workflow_timeout is not None:
        tags["dagster/max_runtime"] = str(options.workflow_timeout)
    return merged(dict(engine.run_tags), tags)
