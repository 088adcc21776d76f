"""A flow, its artifacts and its events as Dagster's assets and asset checks."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ..errors import DagsterDeployError, Problems, verbatim
from ..graph import FlowView
from .options import CreateOptions
from .triggers import EVENT_FOLDER, EventTriggerPlan, FinishTriggerPlan, asset_key, check_event_name

Key = tuple[str, ...]
_OWN_EVENTS = "metaflow."
"""What the names of events begin with that flows publish by themselves."""

# AssetSpec of Dagster 1.12 takes three kinds (validate_kind_tags).
_MOST_KINDS = 3
# By decorator of a step, or by a module that the flow's file imports: Dagster's name of it.
_COMPUTE_KINDS = {"kubernetes": "kubernetes", "batch": "aws"}
_MODULE_KINDS = {
    "torch": "pytorch",
    "tensorflow": "tensorflow",
    "sklearn": "scikitlearn",
    "xgboost": "xgboost",
    "lightgbm": "lightgbm",
    "transformers": "huggingface",
    "openai": "openai",
    "pyspark": "pyspark",
    "snowflake": "snowflake",
    "duckdb": "duckdb",
    "polars": "polars",
    "pandas": "pandas",
    "numpy": "numpy",
}
# What Dagster takes (dagster/_core/definitions/utils.py, dagster/_utils/tags.py).
_OWNER = re.compile(r"team:.+|[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,7}")
_GROUP = re.compile(r"[A-Za-z0-9_]+")
_TAG = re.compile(r"[A-Za-z0-9_.-]{1,63}")


@dataclass(frozen=True)
class ArtifactAssetPlan:
    """An artifact that is an asset of its own."""

    step: str
    artifact: str
    key: Key


@dataclass(frozen=True)
class CheckPlan:
    """A boolean artifact that is the result of a check of the flow's asset."""

    step: str
    artifact: str


@dataclass(frozen=True)
class AssetsPlan:
    """What a file says of assets."""

    key: Key
    """Of the flow itself."""
    kinds: tuple[str, ...]
    owners: tuple[str, ...]
    tags: tuple[tuple[str, str], ...]
    group: str | None
    upstream: tuple[Key, ...]
    """What the flow is triggered by."""
    line: int
    """Where the flow begins in its file."""
    artifacts: tuple[ArtifactAssetPlan, ...] = ()
    checks: tuple[CheckPlan, ...] = ()
    awaited_events: tuple[str, ...] = ()
    """Events that the file's sensors wait for, without those that other flows define."""
    published_events: tuple[str, ...] = ()
    """Events that come from the flow: from its steps, or from its code."""

    def artifacts_of(self, step: str) -> tuple[ArtifactAssetPlan, ...]:
        """The artifacts of a step that are assets."""
        return tuple(artifact for artifact in self.artifacts if artifact.step == step)

    def checks_of(self, step: str) -> tuple[CheckPlan, ...]:
        """The checks that a step's artifacts decide."""
        return tuple(check for check in self.checks if check.step == step)


def plan_assets(
    view: FlowView,
    options: CreateOptions,
    triggers: Sequence[EventTriggerPlan | FinishTriggerPlan],
) -> AssetsPlan:
    """Plan the assets of a flow.

    Raises:
        DagsterDeployError: an option names what the flow does not have, or what Dagster refuses.
    """
    problems = Problems()
    key = flow_key(view)
    if options.asset_key is not None:
        key = problems.attempt(asset_key, options.asset_key, "--asset-key") or key
    for owner in options.owners:
        problems.attempt(_check_owner, owner)
    if options.group is not None and not _GROUP.fullmatch(options.group):
        problems.add(
            f"--group {verbatim(options.group)} is not a name of an asset group: use letters, "
            "digits and underscores."
        )
    found = [problems.attempt(_artifact, view, key, text) for text in options.assets]
    artifacts = tuple(artifact for artifact in found if artifact is not None)
    checked = [
        problems.attempt(_named, view, "--asset-check", text) for text in options.asset_checks
    ]
    checks = tuple(CheckPlan(*names) for names in checked if names is not None)
    problems.attempt(_check_distinct, [key, *(artifact.key for artifact in artifacts)])
    problems.attempt(_check_distinct_checks, checks)
    events = [e.name for t in triggers if isinstance(t, EventTriggerPlan) for e in t.events]
    for event in options.publishes:
        problems.attempt(check_event_name, event, "--publishes")
    problems.raise_all()
    published = (*(_emitted(view) if options.emit_events else ()), *options.publishes)
    upstream = [each for trigger in triggers for each in trigger.asset_keys]
    # A flow may start itself, but Dagster's asset graph has no circles.
    own = {key, *((*EVENT_FOLDER, event) for event in published)}
    return AssetsPlan(
        key=key,
        kinds=_kinds(view),
        owners=options.owners,
        tags=_tags(options.tags),
        group=options.group,
        upstream=tuple(dict.fromkeys(each for each in upstream if each not in own)),
        line=view.line,
        artifacts=artifacts,
        checks=checks,
        awaited_events=tuple(
            event
            for event in dict.fromkeys(events)
            if not event.startswith(_OWN_EVENTS) and event not in published
        ),
        published_events=tuple(dict.fromkeys(published)),
    )


def flow_key(view: FlowView) -> Key:
    """The key of a flow's asset, where nobody has chosen another."""
    if view.project is None:
        return (view.name,)
    return (view.project.name, view.project.branch, view.name)


def _check_owner(owner: str) -> None:
    if not _OWNER.fullmatch(owner):
        raise DagsterDeployError(
            f"--owner {verbatim(owner)}: Dagster takes an email address, or team:NAME."
        )


def _artifact(view: FlowView, above: Key, text: str) -> ArtifactAssetPlan:
    """``STEP.ARTIFACT`` or ``STEP.ARTIFACT=KEY``."""
    names, equals, key = text.partition("=")
    step, artifact = _named(view, "--asset", names)
    own = (*above, artifact)
    return ArtifactAssetPlan(step, artifact, asset_key(key, "--asset") if equals else own)


def _named(view: FlowView, option: str, text: str) -> tuple[str, str]:
    """The step and the artifact that an option names."""
    step, dot, artifact = text.partition(".")
    if not dot or not artifact.isidentifier():
        raise DagsterDeployError(
            f"{option} {verbatim(text)}: name a step and an artifact, such as {option} train.model."
        )
    shapes = {shape.name: shape for shape in view.shape.steps}
    if step not in shapes:
        raise DagsterDeployError(
            f"{option} {verbatim(text)}: the flow has no step {verbatim(step)}. Its steps: "
            f"{', '.join(shapes)}."
        )
    if artifact.startswith("_") or artifact in {each.name for each in view.parameters}:
        raise DagsterDeployError(
            f"{option} {verbatim(text)}: {verbatim(artifact)} is a parameter or private, not a "
            "result of the step. Name an artifact that the step sets."
        )
    if shapes[step].foreaches:
        raise DagsterDeployError(
            f"{option} {verbatim(text)}: step {step} runs once for each item of a foreach, so it "
            "has many artifacts of this name. Name an artifact of the step that joins them."
        )
    return step, artifact


def _check_distinct(keys: Sequence[Key]) -> None:
    for key in keys:
        if keys.count(key) > 1:
            raise DagsterDeployError(
                f"Several assets of this flow would have the key {'/'.join(key)}. Give each a key "
                "of its own: --asset STEP.ARTIFACT=KEY, --asset-key KEY."
            )


def _check_distinct_checks(checks: Sequence[CheckPlan]) -> None:
    names = [check.artifact for check in checks]
    for name in names:
        if names.count(name) > 1:
            raise DagsterDeployError(
                f"--asset-check names several artifacts that are called {name}, which is the name "
                "of the check in Dagster. Name one of them."
            )


def _kinds(view: FlowView) -> tuple[str, ...]:
    """``metaflow``, where steps run, and what the flow's file imports."""
    decorators = {deco.name for step in view.steps.values() for deco in step.decorators}
    used = [kind for name, kind in _COMPUTE_KINDS.items() if name in decorators]
    used += [kind for module, kind in _MODULE_KINDS.items() if module in view.imports]
    return ("metaflow", *used)[:_MOST_KINDS]


def _tags(tags: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """Metaflow's tags, as far as Dagster takes such ones: ``env:prod`` has a key and a value."""
    pairs: dict[str, str] = {}
    for tag in tags:
        key, _, value = tag.partition(":")
        if _TAG.fullmatch(key) and (not value or _TAG.fullmatch(value)):
            pairs[key] = value
    return tuple(pairs.items())


def _emitted(view: FlowView) -> tuple[str, ...]:
    """Names of the events that ``--emit-events`` publishes (``_publish_finished``)."""
    steps = [step.name for step in view.shape.steps]
    if view.shape.end != "end":
        steps.append("end")
    return tuple(f"{_OWN_EVENTS}{view.full_name}.{step}" for step in steps)
