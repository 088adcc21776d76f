"""Where the runs of a site are kept: on a disk that all hosts share, or in S3 and the service."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from differential import runs


@dataclass(frozen=True)
class Store:
    """A datastore with its metadata, as the flow's author and as whoever looks at it see it."""

    name: str
    folder: str
    """Shared by all hosts: a path in it says nothing of a run."""
    reader: runs.Reader
    metadata: str
    """As `metaflow.metadata` takes it."""
    options: tuple[str, ...]
    """Of the flow's command."""
    env: Mapping[str, str] = field(default_factory=dict)
    """What the author has set beside that."""

    def read(self, flow: str, run_id: str, sources: str) -> dict[str, Any] | None:
        """The summary of a run. None where it has not come as far as its first task.

        ``sources`` is the pattern of the folders with the flow's source.
        """
        successes = self.reader("successes", flow=flow, run_id=run_id, metadata=self.metadata)
        if successes is None:
            return None
        made = self.reader(
            "metaflow",
            folder=self.folder,
            flow=flow,
            run_id=run_id,
            sources=[sources],
            metadata=self.metadata,
        )
        return {**made, "successes": successes}
