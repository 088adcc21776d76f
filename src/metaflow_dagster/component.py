"""``MetaflowFlowsComponent``: a folder of flows in a ``dg`` project. Imports Dagster."""

from __future__ import annotations

import os
from dataclasses import fields
from pathlib import Path
from types import NoneType
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import dagster as dg
import metaflow as metaflow  # before its extension, which it loads itself
from dagster.components import scaffold_component
from pydantic import BaseModel, ConfigDict, Field, create_model

from metaflow_extensions.dagster.cli.create_command import create

from .event_assets import once_in_a_project
from .loader import load_flows
from .options import FlowOptions


def _options_model() -> type[BaseModel]:
    """The schema of ``FlowOptions`` in ``defs.yaml``, with the help of the command line."""
    helps = {str(option.name): getattr(option, "help", None) for option in create.params}
    helps["flow_args"] = "Options of the flow itself, such as --production."
    hints = get_type_hints(FlowOptions)
    entries: dict[str, Any] = {}
    for field in fields(FlowOptions):
        hint = hints[field.name]
        if get_origin(hint) is tuple:
            hint = list[get_args(hint)[0]]
        if NoneType not in get_args(hint):
            hint = hint | None
        entries[field.name] = (hint, Field(default=None, description=helps.get(field.name)))
    return create_model("MetaflowFlowOptions", __config__=ConfigDict(extra="forbid"), **entries)


OptionsModel = _options_model()


def _resolve_options(context: dg.ResolutionContext, model: Any) -> FlowOptions:
    given = model.model_dump(exclude_none=True) if isinstance(model, BaseModel) else model
    return FlowOptions.of(context.resolve_value(given, dict[str, Any]))


def _resolve_flows(context: dg.ResolutionContext, model: Any) -> dict[str, FlowOptions]:
    return {name: _resolve_options(context, options or {}) for name, options in model.items()}


class ScaffoldParams(BaseModel):
    """What ``dg scaffold defs metaflow_dagster.MetaflowFlowsComponent NAME`` takes."""

    path: str | None = Field(
        default=None, description="A folder of flows that exists. Without it, one is made."
    )


class MetaflowFlowsScaffolder(dg.Scaffolder[ScaffoldParams]):
    """Writes a ``defs.yaml``, and a folder with a flow where none is given."""

    @classmethod
    def get_scaffold_params(cls) -> type[ScaffoldParams]:
        return ScaffoldParams

    def scaffold(self, request: dg.ScaffoldRequest[ScaffoldParams]) -> None:
        """Write the files below ``request.target_path``."""
        if request.params.path is not None:
            root = request.project_root or Path.cwd()
            relative = os.path.relpath(request.params.path, start=root)
            path = "{{ project_root }}/" + relative
        else:
            path = "flows"
            folder = Path(request.target_path) / path
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "hello_flow.py").write_text(_FLOW, encoding="utf-8")
        scaffold_component(request, {"path": path})


@dg.scaffold_with(MetaflowFlowsScaffolder)
class MetaflowFlowsComponent(dg.Component, dg.Model, dg.Resolvable):
    """A folder of Metaflow flows: a job for each, with its schedule, sensors and assets."""

    path: Annotated[
        str,
        dg.Resolver.default(
            description="The folder of the flows, from the folder of defs.yaml.",
            examples=["flows", "{{ project_root }}/flows"],
        ),
    ]
    options: Annotated[
        FlowOptions,
        dg.Resolver(
            _resolve_options,
            model_field_type=OptionsModel,
            description="Options of dagster create for all flows.",
        ),
    ] = FlowOptions()
    flows: Annotated[
        dict[str, FlowOptions],
        dg.Resolver(
            _resolve_flows,
            model_field_type=dict[str, OptionsModel],
            description="Options for one flow each, by its path from the folder or its class.",
            examples=[{"train.py": {"max_workers": 4}}],
        ),
    ] = {}
    exclude: Annotated[
        list[str],
        dg.Resolver.default(description="Patterns of paths to leave out."),
    ] = []
    translator: Annotated[
        str | None,
        dg.Resolver.default(
            description="Chooses names, keys, owners and more: MODULE:CLASS of a subclass of "
            "metaflow_dagster.DagsterMetaflowTranslator.",
            examples=["shop.translation:OurTranslator"],
        ),
    ] = None

    @classmethod
    def get_spec(cls) -> dg.ComponentTypeSpec:
        return dg.ComponentTypeSpec(description=cls.__doc__, tags=["metaflow"])

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:
        """Compile what has changed, and load all; see ``load_flows``."""
        loaded = load_flows(
            Path(context.path) / self.path,
            options=self.options,
            flows=self.flows,
            exclude=self.exclude,
            translator=self.translator,
            working_dir=context.project_root,
        )
        return once_in_a_project(loaded, str(context.project_root), str(context.path))


_FLOW = '''\
"""A flow to begin with: python hello_flow.py run"""

from metaflow import FlowSpec, Parameter, step


class HelloFlow(FlowSpec):
    """Says hello."""

    name = Parameter("name", default="Dagster")

    @step
    def start(self):
        self.greeting = f"Hello {self.name}"
        self.next(self.end)

    @step
    def end(self):
        print(self.greeting)


if __name__ == "__main__":
    HelloFlow()
'''
