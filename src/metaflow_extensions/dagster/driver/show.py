"""What Dagster shows of a task."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from dagster import MarkdownMetadataValue, MetadataValue

from ..contract import item_of
from .cards import card_metadata
from .flow import Flow, top_option
from .log_links import log_links
from .result import TaskResult

_SHOWN_ARTIFACTS = 50  # of a task, as entries of their own
_SHOWN_ITEMS = 200  # of a foreach that it opens


def shown(flow: Flow, task: TaskResult) -> dict[str, Any]:
    """The task's artifacts, and how to get them, as metadata of its op's output."""
    pathspec = f"{flow.flow_name}/{task.path}"
    snippet = [f"task = Task({pathspec!r})", "print(task)"]
    snippet += [f"print({name!r}, task[{name!r}].data)" for name in task.artifacts]
    metadata: dict[str, Any] = {
        **artifact_metadata(task),
        "metaflow task": MetadataValue.text(pathspec),
        "artifacts": MetadataValue.text(", ".join(task.artifacts) or "none"),
        "retrieve": retrieval(flow, snippet),
        **card_metadata(flow, task),
        **log_links(task.written),
    }
    if task.item is not None:
        metadata["foreach item"] = MetadataValue.text(task.item)
    if any(item is not None for item in task.items):
        own = "_".join(map(str, item_of(task.path)))
        keys = [f"{own}_{index}" if own else str(index) for index in range(len(task.items))]
        items = dict(zip(keys[:_SHOWN_ITEMS], task.items, strict=False))
        metadata["foreach items"] = MetadataValue.json(items)
    if task.cloned_from:
        origin = f"{flow.flow_name}/{task.cloned_from}"
        metadata["cloned from"] = MetadataValue.text(origin)
    if task.url:
        metadata["metaflow ui"] = MetadataValue.url(task.url)
    if specs := flow.step_decorator_specs.get(task.path.split("/")[1]):
        text = ", ".join("@" + spec for spec in specs)
        metadata["decorators"] = MetadataValue.text(text)
    return metadata


def retrieval(flow: Flow, lines: Sequence[str]) -> MarkdownMetadataValue:
    """Python that reads results, whoever runs it, in whatever folder."""
    where = _metadata_address(flow)
    names = ["Task", *(["metadata"] if where else []), "namespace"]
    code = [f"from metaflow import {', '.join(names)}", ""]
    code += [f"metadata({where!r})"] if where else []
    code += ["namespace(None)", *lines]
    return MetadataValue.md("```python\n" + "\n".join(code) + "\n```")


def _metadata_address(flow: Flow) -> str:
    """What Metaflow's `metadata` takes to find the flow's runs; tasks say where data is."""
    kind = top_option(flow, "metadata")
    if kind != "local":
        address = flow.metaflow_step_env.get("METAFLOW_SERVICE_URL", "")
        return f"{kind}@{address}" if address else ""
    folder, name = os.path.split(top_option(flow, "datastore-root"))
    if top_option(flow, "datastore") != "local":
        folder = flow.metaflow_step_env.get("METAFLOW_DATASTORE_SYSROOT_LOCAL", "")
        name = ".metaflow"
    # Metaflow looks for this name in the folder, whatever the datastore's root is.
    return f"local@{folder}" if folder and name == ".metaflow" else ""


def artifact_metadata(task: TaskResult) -> dict[str, Any]:
    """Small artifacts as values, which Dagster plots; type and size of the others."""
    metadata: dict[str, Any] = {}
    for name, about in list(task.artifacts.items())[:_SHOWN_ARTIFACTS]:
        if about:
            kind, size, *value = about
            metadata[name] = value[0] if value else f"{kind}, {size:,} bytes"
    return metadata
