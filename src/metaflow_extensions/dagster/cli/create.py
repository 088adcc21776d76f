"""``dagster create``: compile the flow into a definitions file."""

from __future__ import annotations

import os
import shlex
import sys
import tempfile
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from .._metaflow_internals import add_decorators
from ..contract import HEADER
from ..deploy.package import CodePackage
from ..deploy.registry import Deployment, Registry
from ..errors import DagsterDeployError, Problems
from ..graph import FlowView, read_flow
from ..plan.assets import flow_key
from ..plan.build import build_plan
from ..plan.engine import EnginePlan, plan_engine
from ..plan.job import JobPlan
from ..plan.names import job_name_of
from ..plan.options import CreateOptions
from ..plan.site import read_site
from ..plan.translator import Translation
from .output import job_as_dict
from .register import TokenOptions, deployment_of, write_attributes

if TYPE_CHECKING:
    from .._metaflow_internals.types import CliState

_MAX_TAG_LENGTH = 500  # MAXIMUM_TAG_LENGTH of Metaflow's service (metaflow/tag_util.py)


@dataclass(frozen=True)
class CreatedFile:
    """A definitions file that has been written."""

    path: str
    """As it was given."""
    deployment: Deployment
    plan: JobPlan

    def as_dict(self) -> dict[str, Any]:
        """What a program is told of it."""
        return {
            **job_as_dict(self.deployment),
            "schedule": self.plan.schedule_name,
            "sensors": list(self.plan.sensor_names),
            "package": self.plan.package.url if self.plan.package else None,
        }


def create_file(
    state: CliState,
    options: CreateOptions,
    *,
    file: str | None,
    force: bool,
    tokens: TokenOptions,
    attribute_file: str | None = None,
    origin_run_id: str | None = None,
) -> CreatedFile:
    """Check everything, then write the file in one go.

    Args:
        state: Metaflow's ``CliState`` with the flow loaded.
        options: What the file is to say.
        file: Where to write; None names the file after the job, in the working directory.
        force: Replace a file that was not generated.
        tokens: What was said about production tokens.
        attribute_file: Where the Deployer API waits for the deployment's attributes.
        origin_run_id: The Metaflow run that the file resumes; such a file is not registered.

    Returns:
        What has been written, and where.

    Raises:
        MetaflowException: the flow or an option is unfit; nothing has been written.
    """
    state.check(state.graph, state.flow, state.environment, pylint=state.pylint)
    if options.decospecs:
        add_decorators(state, options.decospecs)
    package = CodePackage(state)  # in a thread, while this one goes on
    from ..emit import prepare, render

    prepare()
    view, plan, path = _plan(state, options, file, force)
    token = tokens.resolve(state, plan.job_name, view.project)
    if token is not None:
        plan = replace(plan, step_env={**plan.step_env, "METAFLOW_PRODUCTION_TOKEN": token})
    if origin_run_id is not None:
        plan = resuming(plan, origin_run_id)
    plan = replace(plan, package=package.wait())
    _write(path, render(plan))
    deployment = deployment_of(state, view, plan, path, token, options)
    if origin_run_id is None:
        Registry.of(state.flow_datastore).save(deployment)
    write_attributes(state, plan.job_name, attribute_file)
    return CreatedFile(path, deployment, plan)


def _plan(
    state: CliState, options: CreateOptions, file: str | None, force: bool
) -> tuple[FlowView, JobPlan, str]:
    """The flow, its plan, and the path of the file to write.

    Raises:
        MetaflowException: all that is wrong with the flow and the options.
    """

    def warn(text: str) -> None:
        state.echo(text, fg="yellow")

    problems = Problems()
    problems.attempt(_check_tags, options.tags)
    view = read_flow(state.flow, problems, state.environment)
    translation = problems.attempt(_translation, view, options)
    if translation is not None:
        options = problems.attempt(translation.options) or options
    engine = problems.attempt(plan_engine, options, warn)
    site = read_site(state, warn)
    plan = problems.attempt(
        build_plan, view, site, options, engine or EnginePlan(), _regenerate_command()
    )
    if plan is not None and translation is not None:
        plan = problems.attempt(translation.apply, plan)
    path = file or f"{options.name or job_name_of(view.full_name)}.py"
    problems.attempt(_check_output, path, site.flow_file, force)
    problems.raise_all()
    assert plan is not None
    return view, plan, path


def _translation(view: FlowView, options: CreateOptions) -> Translation | None:
    if options.translator is None:
        return None
    default = job_name_of(view.full_name)
    return Translation(options.translator, view, options, default, flow_key(view))


def resuming(plan: JobPlan, origin_run_id: str) -> JobPlan:
    """The plan of a file that resumes a run: what is not given stays as it was in that run."""
    note = "Left out: as in the run that is resumed."
    parameters = tuple(
        replace(
            parameter,
            default=None,
            annotation=parameter.annotation
            if parameter.annotation == "Any" or parameter.annotation.endswith(" | None")
            else f"{parameter.annotation} | None",
            description="\n".join(filter(None, [parameter.description, note])),
        )
        for parameter in plan.parameters
    )
    return replace(plan, parameters=parameters, origin_run_id=origin_run_id)


def _check_tags(tags: tuple[str, ...]) -> None:
    problems = Problems()
    for tag in tags:
        if not tag.strip():
            problems.add("--tag is empty. Give it some text, such as --tag env:prod.")
        if len(tag) > _MAX_TAG_LENGTH:
            problems.add(
                f"--tag {tag[:40]}... is {len(tag)} characters long; Metaflow takes at most "
                f"{_MAX_TAG_LENGTH}. Shorten it."
            )
    problems.raise_all()


def _check_output(path: str, flow_file: str, force: bool) -> None:
    folder = os.path.dirname(os.path.abspath(path))
    if os.path.isdir(path):
        raise DagsterDeployError(f"*{path}* is a folder. Name a file in it, such as defs.py.")
    if not os.path.isdir(folder):
        raise DagsterDeployError(
            f"Cannot write *{path}*: the folder {folder} does not exist. Create it first."
        )
    if os.path.exists(path) and os.path.samefile(path, flow_file):
        raise DagsterDeployError(
            f"*{path}* is the flow itself. Choose another name for the definitions file."
        )
    if os.path.exists(path) and not force:
        with open(path, encoding="utf-8", errors="replace") as file:
            ours = HEADER in file.read(400)
        if not ours:
            raise DagsterDeployError(
                f"*{path}* exists and was not generated by metaflow-dagster. Choose another name, "
                "or overwrite it with --force."
            )
    if not os.access(folder, os.W_OK):
        raise DagsterDeployError(
            f"Cannot write *{path}*: the folder {folder} is read-only. Choose another one."
        )


def _write(path: str, text: str) -> None:
    """Replace the file at once, so that nobody ever sees half of it."""
    folder = os.path.dirname(os.path.abspath(path))
    try:
        handle, scratch = tempfile.mkstemp(dir=folder, prefix=".dagster-", suffix=".py")
    except OSError as error:
        raise DagsterDeployError(f"Cannot write *{path}*: {error.strerror}.") from error
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(scratch, 0o666 & ~_umask())
        os.replace(scratch, path)
    except OSError as error:
        os.unlink(scratch)
        raise DagsterDeployError(f"Cannot write *{path}*: {error.strerror}.") from error


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _regenerate_command() -> str:
    """This command as the user can type it again; what the Deployer API adds is left out."""
    args: list[str] = []
    skip = False
    for arg in sys.argv:
        if skip:
            skip = False
        elif arg == "--deployer-attribute-file":
            skip = True
        elif not arg.startswith("--deployer-attribute-file="):
            args.append(arg)
    return "python " + shlex.join(args)
