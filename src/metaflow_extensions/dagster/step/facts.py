"""What a finished task tells the op that ran it (``_Facts`` in the generated file)."""

from __future__ import annotations

import os
from typing import Any

from metaflow import metaflow_config


def task_facts(flow: Any, graph: Any, step_name: str, datastore: Any) -> dict[str, Any]:
    """The way on, the artifacts' names and where the cards are.

    Args:
        flow: The flow object at the end of the task.
        graph: The flow's graph.
        step_name: The step that ran.
        datastore: The task's datastore, done by now.
    """
    transition = getattr(flow, "_transition", None) or ([], None)
    splits = getattr(flow, "_foreach_num_splits", None)
    if graph[step_name].parallel_foreach:
        splits = flow._parallel_ubf_iter.num_parallel
    ui: str | None = metaflow_config.UI_URL  # pyright: ignore[reportAssignmentType]
    return {
        "splits": splits or 0,
        "next_steps": list(transition[0]),
        "gang": list(getattr(flow, "_control_mapper_tasks", None) or []),
        "artifacts": sorted(name for name, _ in datastore.items() if not name.startswith("_")),
        "cards": _card_paths(graph[step_name].decorators, flow, datastore),
        "url": f"{ui.rstrip('/')}/{flow.name}/{datastore.pathspec}" if ui else None,
    }


def _card_paths(decorators: list[Any], flow: Any, datastore: Any) -> list[str]:
    """Where the task's cards are: paths of a local datastore, URLs of any other."""
    if not any(deco.name == "card" for deco in decorators):
        return []
    from metaflow.plugins.cards.card_datastore import CardDatastore
    from metaflow.plugins.cards.exception import CardNotPresentException

    parent = datastore.parent_datastore
    root = str(CardDatastore.get_storage_root(parent.TYPE))
    # Cards have a root of their own (metaflow/plugins/cards/card_client.py).
    storage = type(parent._storage_impl)(root)
    cards = CardDatastore(_OnStorage(storage, flow.name), f"{flow.name}/{datastore.pathspec}")
    try:
        return sorted(os.path.join(root, path) for path in cards.extract_card_paths())
    except CardNotPresentException:
        return []


class _OnStorage:
    """What CardDatastore takes of a flow datastore."""

    def __init__(self, storage: Any, flow_name: str) -> None:
        self._storage_impl = storage
        self.flow_name = flow_name
