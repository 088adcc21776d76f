"""What ``dagster create`` leaves for the commands that operate the job, and for the Deployer."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from metaflow.parameters import JSONTypeClass

from .._metaflow_internals import parameters_of
from .._metaflow_internals.untyped import is_production, user_name
from ..deploy.registry import Deployment, Registry
from ..deploy.tokens import resolve_token
from ..graph import FlowView, ProjectView
from ..plan.job import JobPlan
from ..plan.options import CreateOptions

if TYPE_CHECKING:
    from .._metaflow_internals.types import CliState, Flow


@dataclass(frozen=True)
class TokenOptions:
    """What ``create`` was told about production tokens."""

    authorize: str | None = None
    given: str | None = None
    generate: bool = False

    def resolve(self, state: CliState, job: str, project: ProjectView | None) -> str | None:
        """The token of the job, None if it needs none; refuses whoever may not deploy it."""
        return resolve_token(
            job,
            Registry.of(state.flow_datastore).get(job),
            project=project.name if project else None,
            branch=project.branch if project else None,
            is_production=is_production(),
            authorize=self.authorize,
            given=self.given,
            generate=self.generate,
            echo=state.echo,
        )


def deployment_of(
    state: CliState,
    view: FlowView,
    plan: JobPlan,
    path: str,
    token: str | None,
    options: CreateOptions,
) -> Deployment:
    """What the registry keeps of the job and of the options of ``create``."""
    return Deployment(
        name=plan.job_name,
        flow_name=plan.flow_name,
        definitions_file=os.path.abspath(path),
        user=user_name(),
        project=view.project.name if view.project else None,
        branch=view.project.branch if view.project else None,
        production_token=token,
        parameters=_parameters(state.flow),
        steps=list(state.graph.nodes),
        options=options,
    )


def write_attributes(state: CliState, job: str, attribute_file: str | None) -> None:
    """Tell the Deployer API about the deployment.

    The file is a FIFO whose reader wants everything at once, and then the end.
    """
    if attribute_file is None:
        return
    content = {
        "name": job,
        "flow_name": state.flow.name,
        "metadata": state.metadata.metadata_str(),
    }
    with open(attribute_file, "w", encoding="utf-8") as file:
        file.write(json.dumps(content))


def _parameters(flow: Flow) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for variable, parameter in parameters_of(flow):
        options = parameter.kwargs
        default = options.get("default")
        kind: Any = options.get("type")
        if not kind:
            kind = str if default is None or callable(default) else default.__class__
        if isinstance(kind, JSONTypeClass):
            name = "JSON"
        elif isinstance(kind, type):
            name = kind.__name__
        else:
            name = getattr(kind, "name", "str")
        found[parameter.name] = {
            "name": parameter.name,
            "python_var_name": variable,
            "type": name,
            "description": options.get("help") or "",
            "is_required": bool(options.get("required")) and default is None,
            "multiple": bool(options.get("multiple")),
        }
    return found
