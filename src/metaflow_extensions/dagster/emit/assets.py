"""Source text of a file's assets and asset checks."""

from __future__ import annotations

from collections.abc import Sequence

from ..plan.assets import AssetsPlan, Key
from ..plan.job import JobPlan
from .literals import call, literal


def asset_section(plan: JobPlan) -> str:
    """The definitions of the flow's asset and those of its artifacts and events."""
    assets = plan.assets
    deps = [*assets.upstream, *(artifact.key for artifact in assets.artifacts)]
    options: dict[str, str] = {}
    if plan.description and not plan.is_thin:
        options["description"] = literal(plan.description)
    if deps:
        options["deps"] = literal([_key(key) for key in deps])
    if not plan.is_thin or len(assets.kinds) > 1:
        options["kinds"] = "{" + ", ".join(map(literal, assets.kinds)) + "}"
    if assets.owners:
        options["owners"] = literal(list(assets.owners))
    if assets.tags:
        options["tags"] = literal(dict(assets.tags))
    if assets.group:
        options["group_name"] = literal(assets.group)
    if plan.partitions:
        options["partitions_def"] = "PARTITIONS"
    key = literal(_key(assets.key))
    if plan.is_thin:
        asset = call("FLOW.asset", [key, plan.job_name], options)
    else:
        options["metadata"] = f"_code_reference(FLOW, {assets.line})"
        asset = call("AssetSpec", [key], options)
    parts = [f"FLOW_ASSET = {asset}"]
    if assets.artifacts:
        parts.append(_artifacts(assets))
    if assets.awaited_events or assets.published_events:
        parts.append(_events(assets))
    return "\n".join(parts)


def _artifacts(assets: AssetsPlan) -> str:
    upstream = literal([_key(key) for key in assets.upstream])
    entries: list[str] = []
    for artifact in assets.artifacts:
        about = f"Artifact {artifact.artifact} of step {artifact.step}."
        options = {"key": literal(_key(artifact.key)), "description": literal(about)}
        text = call("FLOW_ASSET.replace_attributes", (), {**options, "deps": upstream})
        entries.append(f"{literal(f'{artifact.step}.{artifact.artifact}')}: {text}")
    return f"ARTIFACT_ASSETS = {{{', '.join(entries)}}}"


def _events(assets: AssetsPlan) -> str:
    calls = [call("_event_asset", [literal(event)]) for event in assets.awaited_events]
    calls += [
        call("_event_asset", [literal(event), "FLOW_ASSET"]) for event in assets.published_events
    ]
    return f"EVENT_ASSETS = [{', '.join(calls)}]"


def assets_text(assets: AssetsPlan) -> str:
    """The option ``assets`` of ``Definitions``."""
    names = ["FLOW_ASSET"]
    if assets.artifacts:
        names.append("*ARTIFACT_ASSETS.values()")
    if assets.awaited_events or assets.published_events:
        names.append("*EVENT_ASSETS")
    return f"[{', '.join(names)}]"


def checks_text(assets: AssetsPlan) -> str:
    """The option ``asset_checks`` of ``Definitions``."""
    calls = [
        call("_check_by_runs", ["FLOW", "FLOW_ASSET", literal(c.artifact), literal(c.step)])
        for c in assets.checks
    ]
    return f"[{', '.join(calls)}]"


def metadata_text(plan: JobPlan, watched: Sequence[Key] = ()) -> str:
    """The option ``metadata`` of the job and of what starts it.

    Args:
        plan: The job's plan.
        watched: Keys of the assets that a sensor looks at.
    """
    deployment = f"_deployment(FLOW, {plan.assets.line})"
    entries: list[str] = []
    if watched:
        entries.append("**" + call("_watched", [literal(_key(key)) for key in watched]))
    if ui := plan.step_env.get("METAFLOW_UI_URL"):
        url = call("MetadataValue.url", [literal(f"{ui.rstrip('/')}/{plan.flow_name}")])
        entries.append(f'"metaflow ui": {url}')
    entries += [f"{literal(name)}: {literal(value)}" for name, value in plan.metadata.items()]
    return f"{{**{deployment}, {', '.join(entries)}}}" if entries else deployment


def _key(key: Key) -> str | list[str]:
    return key[0] if len(key) == 1 else list(key)
