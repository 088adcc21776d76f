"""Source text of a file's assets and asset checks."""

from __future__ import annotations

from ..plan.assets import AssetsPlan, Key
from ..plan.job import JobPlan
from .literals import literal

_WIDTH = 88


def asset_section(plan: JobPlan) -> str:
    """The definitions of the flow's asset and those of its artifacts and events."""
    assets = plan.assets
    deps = [*assets.upstream, *(artifact.key for artifact in assets.artifacts)]
    options: dict[str, str] = {}
    if plan.description:
        options["description"] = literal(plan.description)
    if deps:
        options["deps"] = literal([_key(key) for key in deps], 4, 9)
    options["kinds"] = "{" + ", ".join(map(literal, assets.kinds)) + "}"
    if assets.owners:
        options["owners"] = literal(list(assets.owners), 4, 11)
    if assets.tags:
        options["tags"] = literal(dict(assets.tags), 4, 9)
    if assets.group:
        options["group_name"] = literal(assets.group)
    if plan.partitions:
        options["partitions_def"] = "PARTITIONS"
    options["metadata"] = f"_code_reference({assets.line})"
    parts = ["FLOW_ASSET = " + _call("AssetSpec", [literal(_key(assets.key), 4)], options)]
    if assets.artifacts:
        parts.append(_artifacts(assets))
    if assets.awaited_events or assets.emitted_events:
        parts.append(_events(assets))
    return "\n".join(parts)


def _artifacts(assets: AssetsPlan) -> str:
    lines = ["ARTIFACT_ASSETS = {"]
    upstream = literal([_key(key) for key in assets.upstream], 8, 13)
    for artifact in assets.artifacts:
        about = f"Artifact {artifact.artifact} of step {artifact.step}."
        name = literal(f"{artifact.step}.{artifact.artifact}")
        lines += [
            f"    {name}: FLOW_ASSET.replace_attributes(",
            f"        key={literal(_key(artifact.key), 8, 12)},",
            f"        description={literal(about)},",
            f"        deps={upstream},",
            "    ),",
        ]
    return "\n".join([*lines, "}"])


def _events(assets: AssetsPlan) -> str:
    lines = ["EVENT_ASSETS = ["]
    lines += [f"    _event_asset({literal(event)})," for event in assets.awaited_events]
    lines += [f"    _event_asset({literal(event)}, FLOW_ASSET)," for event in assets.emitted_events]
    return "\n".join([*lines, "]"])


def assets_text(assets: AssetsPlan) -> str:
    """The option ``assets`` of ``Definitions``."""
    names = ["FLOW_ASSET"]
    if assets.artifacts:
        names.append("*ARTIFACT_ASSETS.values()")
    if assets.awaited_events or assets.emitted_events:
        names.append("*EVENT_ASSETS")
    return f"[{', '.join(names)}]"


def checks_text(assets: AssetsPlan) -> str:
    """The option ``asset_checks`` of ``Definitions``."""
    calls = [
        f"_check_by_runs(FLOW_ASSET, {literal(check.artifact)}, {literal(check.step)})"
        for check in assets.checks
    ]
    line = f"[{', '.join(calls)}]"
    if len(line) + len("    asset_checks=,") <= _WIDTH:
        return line
    return "[\n" + "".join(f"        {call},\n" for call in calls) + "    ]"


def watched_text(keys: list[Key]) -> str:
    """The option ``metadata`` of a sensor: the assets that it looks at."""
    args = [literal(_key(key), 8) for key in keys]
    line = f"_watched({', '.join(args)})"
    if len(line) + len("    metadata=,") <= _WIDTH and "\n" not in line:
        return line
    return "_watched(\n" + "".join(f"        {arg},\n" for arg in args) + "    )"


def _key(key: Key) -> str | list[str]:
    return key[0] if len(key) == 1 else list(key)


def _call(function: str, args: list[str], options: dict[str, str]) -> str:
    texts = [*args, *(f"{name}={text}" for name, text in options.items())]
    return f"{function}(\n" + "".join(f"    {text},\n" for text in texts) + ")"
