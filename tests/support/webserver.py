"""Asks a Dagster webserver as its UI does."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Mapping
from typing import Any

_LAUNCH = """mutation($params: ExecutionParams!) { launchRun(executionParams: $params) { __typename
  ... on LaunchRunSuccess { run { runId } } ... on Error { message } } }"""


def ask(url: str, query: str, variables: Mapping[str, Any]) -> Any:
    """The data that answers a GraphQL query."""
    request = urllib.request.Request(
        f"{url}/graphql",
        json.dumps({"query": query, "variables": variables}).encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=60) as response:
        answer = json.load(response)
    assert "errors" not in answer, answer
    return answer["data"]


def launch(url: str, job: str, repository: str, location: str, config: str = "{}") -> str:
    """Start a run of a job; returns its id."""
    selector = {
        "repositoryName": repository,
        "repositoryLocationName": location,
        "pipelineName": job,
    }
    params = {"selector": selector, "runConfigData": config}
    launched = ask(url, _LAUNCH, {"params": params})["launchRun"]
    assert "run" in launched, f"{job} was not launched: {launched}"
    return launched["run"]["runId"]
