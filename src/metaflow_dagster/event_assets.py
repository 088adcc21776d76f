"""Assets of events, of which several flows have a definition and Dagster takes one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import dagster as dg
import metaflow as metaflow  # before its extension, which it loads itself

from metaflow_extensions.dagster.plan.triggers import EVENT_FOLDER

_definers: dict[tuple[str, dg.AssetKey], str] = {}
"""By project and event, the component of this process that defines it."""


def with_all_publishers(parts: Sequence[dg.Definitions]) -> list[dg.Definitions]:
    """The definitions of generated files, where each that has an event has all its publishers.

    The file of a flow knows of itself only.
    """
    publishers: dict[dg.AssetKey, dict[dg.AssetKey, None]] = {}
    for spec in (spec for part in parts for spec in _events(part)):
        flows = publishers.setdefault(spec.key, {})
        flows.update(dict.fromkeys(dep.asset_key for dep in spec.deps))

    def published(spec: Any) -> dg.AssetSpec:
        return spec.replace_attributes(deps=list(publishers[spec.key]))

    return [
        _replace_events(part, published)
        if any(len(publishers[spec.key]) > len(list(spec.deps)) for spec in _events(part))
        else part
        for part in parts
    ]


def once_in_a_project(part: dg.Definitions, project: str, component: str) -> dg.Definitions:
    """What a component defines, without the events that another one of the project defines.

    Dagster notes in each asset which component it is from, so that two definitions of one event
    would differ, and nothing could be loaded.

    Args:
        part: The definitions that ``load_flows`` has made.
        project: Path of the project.
        component: Path of the component's folder in it.
    """

    def defined_here(spec: dg.AssetSpec) -> dg.AssetSpec | None:
        definer = _definers.setdefault((project, spec.key), component)
        return spec if definer == component else None

    return _replace_events(part, defined_here)


def _replace_events(
    part: dg.Definitions, replaced: Callable[[dg.AssetSpec], dg.AssetSpec | None]
) -> dg.Definitions:
    """The definitions with other ones for events; None leaves an event out."""
    events = {spec.key: replaced(spec) for spec in _events(part)}
    if not events:
        return part
    assets: list[Any] = list(part.assets or ())
    chosen = [events[asset.key] if asset.key in events else asset for asset in assets]
    return dg.Definitions(
        assets=[asset for asset in chosen if asset is not None],
        asset_checks=part.asset_checks,
        jobs=part.jobs,
        schedules=part.schedules,
        sensors=part.sensors,
    )


def _events(part: dg.Definitions) -> Iterator[dg.AssetSpec]:
    for asset in part.assets or ():
        if isinstance(asset, dg.AssetSpec) and tuple(asset.key.path[:-1]) == EVENT_FOLDER:
            yield asset
