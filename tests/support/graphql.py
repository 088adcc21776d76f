"""Questions to Dagster's GraphQL, as its UI asks them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dagster import DagsterInstance
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import WorkspaceFileTarget
from dagster_graphql.test.utils import execute_dagster_graphql


def ask(
    instance: DagsterInstance, files: Sequence[Path], query: str, variables: Any = None
) -> dict[str, Any]:
    """The answer of a webserver that has loaded these definitions files, each a location."""
    locations = [{"python_file": {"relative_path": str(file)}} for file in files]
    workspace = files[0].parent / "workspace_of_test.yaml"
    workspace.write_text(json.dumps({"load_from": locations}))  # which is YAML too
    target = WorkspaceFileTarget(paths=[str(workspace)])
    with WorkspaceProcessContext(instance, target, version="test") as context:
        result = execute_dagster_graphql(context.create_request_context(), query, variables)
    assert result.errors is None, result.errors
    return dict(result.data)
