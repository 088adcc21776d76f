"""One object with the resources of a step for all steps that need the same ones.

Dagster makes a class for each step, whose attributes are the step's resources, and an instance of
it (`ScopedResourcesBuilder.build`): half a millisecond and more, most of it to compile the class.
"""

from __future__ import annotations

from collections.abc import Set
from typing import Any

from ._dagster_internals import (
    IAttachDifferentObjectToOpContext,
    PlanExecutionContext,
    Resources,
    ScopedResourcesBuilder,
)


def share_resources(context: PlanExecutionContext) -> None:
    """Have the steps of this context share what they read their resources from."""
    inside: Any = context
    data: Any = getattr(inside, "_execution_data", None)
    builder: Any = getattr(data, "scoped_resources_builder", None)
    if type(builder) is not ScopedResourcesBuilder or any(
        # Such a resource may give each step an object of its own.
        isinstance(resource, IAttachDifferentObjectToOpContext)
        for resource in builder.resource_instance_dict.values()
    ):
        return
    shared = _SharedResourcesBuilder(builder.resource_instance_dict, builder.contains_generator)
    inside._execution_data = data._replace(scoped_resources_builder=shared)


class _SharedResourcesBuilder(ScopedResourcesBuilder):
    def build(self, required_resource_keys: Set[str] | None) -> Resources:
        built: dict[frozenset[str], Resources] = vars(self).setdefault("_built", {})
        keys = frozenset(required_resource_keys or ())
        if keys not in built:
            built[keys] = super().build(required_resource_keys)
        return built[keys]
