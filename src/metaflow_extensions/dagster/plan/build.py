"""A flow, where it is deployed from, and options -> JobPlan: where all parts of the plan meet."""

from __future__ import annotations

from typing import Any

from ..contract import tags, variables
from ..contract.ops import op_key
from ..errors import DagsterDeployError, Problems
from ..graph import FlowView, StepKind
from .assets import plan_assets
from .engine import EnginePlan, merged, with_engine
from .exit_hooks import plan_exit_hooks
from .job import JobPlan
from .job_graph import OpSignature, lay_out_job
from .model import HelperOp, OpPlan
from .names import is_valid_dagster_name, job_name_of
from .options import CreateOptions
from .parameters import plan_parameters
from .partitions import plan_partitions, plan_scheduled_time
from .schedule import plan_schedule
from .site import Site
from .steps import has_launch_hooks, plan_retry, plan_timeout, static_specs
from .triggers import plan_triggers


def build_plan(
    view: FlowView, site: Site, options: CreateOptions, engine: EnginePlan, regenerate: str = ""
) -> JobPlan:
    """Plan the definitions file of a flow. A pure function of what it is given.

    Args:
        view: The flow.
        site: Where it is deployed from.
        options: What ``dagster create`` was asked for.
        engine: What ``plan_engine`` makes of these options.
        regenerate: The command that makes the file again.

    Raises:
        DagsterDeployError: something in the flow or the options cannot be deployed; all that is
            found is in it.
    """
    problems = Problems()
    job_name = options.name or job_name_of(view.full_name)
    problems.attempt(_check_name, job_name)
    schedule = problems.attempt(plan_schedule, view)
    triggers = problems.attempt(plan_triggers, view, options.upstream_assets)
    assets = problems.attempt(plan_assets, view, options, triggers or ())
    # What triggers start runs with is checked by plan_triggers.
    reason = "@schedule" if view.schedule else None
    partitions = problems.attempt(
        plan_partitions, view, options.partition, schedule.timezone if schedule else None
    )
    time = problems.attempt(plan_scheduled_time, view, options.scheduled_time, partitions)
    given = {time, partitions.parameter} if partitions else {time}
    parameters = problems.attempt(
        plan_parameters, view, must_have_defaults=reason, given=list(filter(None, given))
    )
    shape = view.shape
    reserved = {job_name, f"{view.name}Config", *(kind.value for kind in HelperOp)}
    signatures, graph = lay_out_job(shape, reserved | {op_key(step.name) for step in shape.steps})
    ops = [problems.attempt(_op, view, signature, job_name) for signature in signatures]
    planned = [op for op in ops if op is not None]
    if len(planned) == len(ops):
        planned = problems.attempt(with_engine, planned, view, options) or ()
    problems.raise_all()
    assert assets is not None
    switch = {} if options.warm_start else {variables.WARM: "0"}
    return JobPlan(
        flow_name=view.name,
        job_name=job_name,
        flow_file=site.flow_file,
        working_dir=site.working_dir,
        regenerate=regenerate,
        description=(shape.doc or "").strip(),
        top_args=site.top_args,
        step_env={**site.settings, **switch},
        config_values=dict(view.configs),
        decorator_specs={name: static_specs(step) for name, step in view.steps.items()},
        with_decorators={name: list(step.added) for name, step in view.steps.items()},
        environment_ids={name: step.environment_id for name, step in view.steps.items()},
        tags=options.tags,
        namespace=options.namespace,
        workflow_timeout=options.workflow_timeout,
        engine=engine,
        job_tags=_job_tags(view, options, engine),
        parameters=parameters or (),
        ops=tuple(planned),
        graph=graph,
        schedule=schedule,
        triggers=triggers or (),
        assets=assets,
        partitions=partitions,
        scheduled_time=time,
        exit_hooks=plan_exit_hooks(view),
        schedule_on=options.schedule_on,
        triggers_on=options.triggers_on,
        sensor_interval=options.sensor_interval,
        emit_events=options.emit_events,
        runtime=options.runtime,
    )


def _check_name(job_name: str) -> None:
    if not is_valid_dagster_name(job_name):
        raise DagsterDeployError(
            f"*{job_name}* cannot be a Dagster job name: use letters, digits and underscores, not "
            "starting with a digit, and no Python keyword. Choose another one with --name."
        )


def _op(view: FlowView, signature: OpSignature, job_name: str) -> OpPlan:
    step, decorated = view.shape[signature.step], view.steps[signature.step]
    return OpPlan(
        step=signature.step,
        function=signature.key,
        op_name=f"{job_name}__{signature.step}",
        key=signature.key,
        inputs=signature.inputs,
        input_kind=signature.input_kind,
        output_kind=signature.output_kind,
        choices=signature.choices,
        split_item=signature.split_item,
        gang=step.is_gang,
        loop=step.kind is StepKind.LOOP,
        retry=plan_retry(signature.step, decorated),
        timeout=plan_timeout(decorated),
        needs_launch=has_launch_hooks(decorated),
        doc=step.doc,
    )


def _job_tags(view: FlowView, options: CreateOptions, engine: EnginePlan) -> dict[str, Any]:
    """Tags by which sensors and the Deployer find a flow's runs, whatever the job is called, and
    those that were asked for."""
    own: dict[str, Any] = {tags.FLOW: view.name}
    if view.project:
        own[tags.PROJECT] = view.project.name
        own[tags.BRANCH] = view.project.branch
    if view.shape.end != "end":
        own[tags.END_STEP] = view.shape.end
    if options.workflow_timeout is not None:
        own["dagster/max_runtime"] = str(options.workflow_timeout)
    return merged(dict(engine.run_tags), own)
