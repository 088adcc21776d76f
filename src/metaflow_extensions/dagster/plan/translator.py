"""What users decide of a flow in Dagster by a class of theirs: names, keys, owners, tags."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from typing import Any, TypeVar

from metaflow.exception import MetaflowException

from ..errors import DagsterDeployError
from ..graph import FlowView
from .job import JobPlan
from .names import is_valid_dagster_name, job_name_of
from .options import CreateOptions
from .triggers import FinishTriggerPlan, plan_triggers

T = TypeVar("T")


@dataclass(frozen=True)
class FlowInfo:
    """What a translator is told of a flow."""

    name: str
    project: str | None
    branch: str | None
    description: str
    """The docstring of the flow's class."""
    steps: tuple[str, ...]
    decorators: Mapping[str, tuple[str, ...]]
    """By step, the names of its decorators."""
    tags: tuple[str, ...]
    """Metaflow's tags that the deployment was given (``--tag``)."""
    default_job_name: str
    default_asset_key: tuple[str, ...]


class DagsterMetaflowTranslator:
    """How a flow appears in Dagster. Subclass it, and override what is to be different.

    A subclass is named by ``dagster create --translator MODULE:CLASS``, or given to ``load_flows``
    or the component. It is made without arguments when a flow is compiled; what its methods return
    is written into the definitions file, so they must return the same for the same flow. What an
    option of the command line says (``--name``, ``--asset-key``, ``--group``, ``--owner``) is said
    of one flow, and wins.
    """

    def get_job_name(self, flow: FlowInfo) -> str:
        """Name of the job: letters, digits and underscores, once in a code location."""
        return flow.default_job_name

    def get_op_name(self, flow: FlowInfo, job_name: str, step: str) -> str:
        """Name of a step's op definition. Its key in runs is ``op_<step>``, whatever this is."""
        return f"{job_name}__{step}"

    def get_description(self, flow: FlowInfo) -> str:
        """Description of the job and of the flow's asset, in Markdown."""
        return flow.description

    def get_run_tags(self, flow: FlowInfo) -> Mapping[str, str]:
        """Tags of Dagster for the job and its runs, beside those of ``--run-tag``."""
        return {}

    def get_op_tags(self, flow: FlowInfo, step: str) -> Mapping[str, str]:
        """Tags of Dagster for a step's op, beside those of ``--step-tag``."""
        return {}

    def get_metadata(self, flow: FlowInfo) -> Mapping[str, str | int | float | bool]:
        """Metadata of the job, beside where it is from."""
        return {}

    def get_owners(self, flow: FlowInfo) -> Sequence[str]:
        """Owners of job, schedule, sensors and assets: ``team:name``, or an address of e-mail."""
        return ()

    def get_group_name(self, flow: FlowInfo) -> str | None:
        """Group of the flow's assets; None is Dagster's default one."""
        return None

    def get_asset_key(self, flow: FlowInfo) -> Sequence[str]:
        """Key of the flow's asset.

        It is also called for the flows of ``@trigger_on_finish``, whose names, projects and
        branches are known, and the defaults, but not what is in their files.
        """
        return flow.default_asset_key

    def get_artifact_asset_key(
        self, flow: FlowInfo, step: str, artifact: str
    ) -> Sequence[str] | None:
        """Key of an artifact that ``--asset STEP.ARTIFACT`` makes an asset.

        None is a key below the flow's own.
        """
        return None


class Translation:
    """A flow as a translator has it."""

    def __init__(
        self,
        named: str,
        view: FlowView,
        options: CreateOptions,
        job_name: str,
        asset_key: Sequence[str],
    ) -> None:
        """Load the class.

        Args:
            named: ``MODULE:CLASS``.
            view: The flow.
            options: What ``dagster create`` was asked for.
            job_name: The job's name without a translator.
            asset_key: The key of the flow's asset without a translator.

        Raises:
            DagsterDeployError: there is no such class, or it is no translator.
        """
        self._named = named
        self._translator = _load(named)
        self._options = options
        self._view = view
        self._info = FlowInfo(
            name=view.name,
            project=view.project.name if view.project else None,
            branch=view.project.branch if view.project else None,
            description=(view.shape.doc or "").strip(),
            steps=tuple(view.steps),
            decorators={
                name: tuple(decorator.name for decorator in step.decorators)
                for name, step in view.steps.items()
            },
            tags=options.tags,
            default_job_name=job_name,
            default_asset_key=tuple(asset_key),
        )

    def options(self) -> CreateOptions:
        """The options, with what the translator says where they say nothing.

        Raises:
            DagsterDeployError: the translator fails, or returns what it must not.
        """
        given, ask, translator, info = self._options, self._ask, self._translator, self._info
        key = tuple(ask(translator.get_asset_key, Sequence, info))
        chosen_key = None if key == info.default_asset_key else "/".join(key)
        run_tags = ask(translator.get_run_tags, Mapping, info)
        step_tags = [
            f"{step}:{name}={value}"
            for step in info.steps
            for name, value in ask(translator.get_op_tags, Mapping, info, step).items()
        ]
        owners = ask(translator.get_owners, Sequence, info)
        return replace(
            given,
            name=given.name or ask(translator.get_job_name, str, info),
            asset_key=given.asset_key or chosen_key,
            group=given.group or ask(translator.get_group_name, (str, type(None)), info),
            owners=given.owners or tuple(owners),
            run_tags=(*_without(run_tags, given.run_tags), *given.run_tags),
            step_tags=(*step_tags, *given.step_tags),
            assets=tuple(self._artifact(asset) for asset in given.assets),
            upstream_assets=(*self._upstream_keys(), *given.upstream_assets),
        )

    def apply(self, plan: JobPlan) -> JobPlan:
        """The plan with names of ops, description and metadata as the translator has them.

        Raises:
            DagsterDeployError: the translator fails, or returns what it must not.
        """
        translator, info, ask = self._translator, self._info, self._ask
        ops = tuple(
            replace(op, op_name=ask(translator.get_op_name, str, info, plan.job_name, op.step))
            for op in plan.ops
        )
        names = [op.op_name for op in ops]
        for name in names:
            if not is_valid_dagster_name(name) or names.count(name) > 1 or name == plan.job_name:
                raise DagsterDeployError(
                    f"*{self._named}*.get_op_name returns {name!r}. Names of ops are letters, "
                    "digits and underscores, and each of them is of one op only."
                )
        metadata = dict(ask(translator.get_metadata, Mapping, info))
        for name, value in metadata.items():
            if not isinstance(name, str) or not isinstance(value, (str, int, float, bool)):
                raise DagsterDeployError(
                    f"*{self._named}*.get_metadata returns {value!r} for {name!r}. Return text, "
                    "numbers and booleans."
                )
        description = ask(translator.get_description, str, info).strip()
        return replace(plan, ops=ops, metadata=metadata, description=description)

    def _upstream_keys(self) -> list[str]:
        """``FLOW=KEY`` for the flows of ``@trigger_on_finish`` that get another key."""
        try:
            triggers = plan_triggers(self._view)
        except DagsterDeployError:  # it is told by whoever plans the flow
            return []
        found: list[str] = []
        for trigger in triggers:
            for up in trigger.upstreams if isinstance(trigger, FinishTriggerPlan) else ():
                info = FlowInfo(
                    name=up.flow,
                    project=up.project,
                    branch=up.branch,
                    description="",
                    steps=(),
                    decorators={},
                    tags=(),
                    default_job_name=job_name_of(up.fq_name),
                    default_asset_key=up.asset_key,
                )
                key = tuple(self._ask(self._translator.get_asset_key, Sequence, info))
                if key != up.asset_key:
                    found.append(f"{up.fq_name}={'/'.join(key)}")
        return found

    def _artifact(self, asset: str) -> str:
        step, dot, artifact = asset.partition(".")
        if "=" in asset or not dot:
            return asset
        key = self._ask(
            self._translator.get_artifact_asset_key,
            (Sequence, type(None)),
            self._info,
            step,
            artifact,
        )
        return asset if key is None else f"{asset}={'/'.join(key)}"

    def _ask(self, method: Callable[..., T], kind: Any, *args: Any) -> T:
        """What a method of the translator returns, if it is of the right kind."""
        name = f"*{self._named}*.{method.__name__}"
        try:
            value = method(*args)
        except MetaflowException:
            raise
        except Exception as error:
            raise DagsterDeployError(
                f"{name} fails for flow {self._info.name}: {type(error).__name__}: {error}"
            ) from error
        wrong = isinstance(value, str) and kind is not str and str not in _kinds(kind)
        if wrong or not isinstance(value, kind):
            wanted = " or ".join(each.__name__ for each in _kinds(kind))
            raise DagsterDeployError(f"{name} returns {value!r}, and not {wanted}.")
        return value


def _kinds(kind: Any) -> tuple[Any, ...]:
    return kind if isinstance(kind, tuple) else (kind,)


def _without(tags: Mapping[str, str], given: Sequence[str]) -> list[str]:
    """Tags as options, without those that an option gives."""
    taken = {tag.partition("=")[0] for tag in given}
    return [f"{name}={value}" for name, value in tags.items() if name not in taken]


def _load(named: str) -> DagsterMetaflowTranslator:
    module_name, colon, class_name = named.partition(":")
    if not colon or not module_name or not class_name:
        raise DagsterDeployError(
            f"--translator *{named}* does not name a class. Write MODULE:CLASS, such as "
            "company.dagster:OurTranslator."
        )
    # The flow's folder is on the path already; beside that, where the command is run.
    if os.getcwd() not in sys.path:
        sys.path.append(os.getcwd())
    try:
        found = getattr(import_module(module_name), class_name)
    except AttributeError as error:
        raise DagsterDeployError(
            f"--translator *{named}*: module {module_name} has no {class_name}."
        ) from error
    except Exception as error:
        raise DagsterDeployError(
            f"--translator *{named}*: module {module_name} cannot be imported "
            f"({type(error).__name__}: {error}). It must lie beside the flow, in the working "
            "directory, or be installed."
        ) from error
    if not (isinstance(found, type) and issubclass(found, DagsterMetaflowTranslator)):
        raise DagsterDeployError(
            f"--translator *{named}* is not a subclass of "
            "metaflow_dagster.DagsterMetaflowTranslator. Make it one."
        )
    return found()
