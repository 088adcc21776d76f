"""Metaflow's metadata service over HTTP: ``python metadata_service.py FOLDER PORT``.

It is ``metaflow-local-service``, with what that lacks of the API that Metaflow uses: single
artifacts, lists of artifacts of the latest attempt only, and runs and tasks whose ids are given by
a scheduler.
"""

from __future__ import annotations

import sys
from typing import Any

import uvicorn
from fastapi import HTTPException
from metaflow_local_service import store
from metaflow_local_service.server import create_app

TASK = "/flows/{flow}/runs/{run}/steps/{step}/tasks/{task}"


def artifacts(
    flow: str, run: str, step: str, task: str, attempt: int | None = None
) -> list[dict[str, Any]]:
    found = store.get_artifacts(flow, run, step, task, attempt)
    latest = max((artifact["attempt_id"] for artifact in found), default=0)
    return [artifact for artifact in found if artifact["attempt_id"] == latest]


def artifact(
    flow: str, run: str, step: str, task: str, name: str, attempt: int | None = None
) -> dict[str, Any]:
    for found in artifacts(flow, run, step, task, attempt):
        if found["name"] == name:
            return found
    raise HTTPException(status_code=404, detail="Artifact not found")


def create_run(flow: str, body: dict[str, Any]) -> dict[str, Any]:
    if "run_number" not in body:
        return store.create_run(flow, body)
    store.get_or_create_flow(flow, body)
    run = body["run_number"]
    return _created(store._build_run_record(flow, run, body), flow, run)


def create_task(flow: str, run: str, step: str, body: dict[str, Any]) -> dict[str, Any]:
    if "task_id" not in body:
        return store.create_task(flow, run, step, body)
    store.get_or_create_step(flow, run, step, body)
    record = store._build_task_record(flow, run, step, body["task_id"], body)
    return _created(record, flow, run, step, body["task_id"])


def _created(record: dict[str, Any], *path: str) -> dict[str, Any]:
    provider = store._local()
    provider._save_meta(provider._create_and_get_metadir(*path), {"_self": record})
    return record


def main(folder: str, port: int) -> None:
    app = create_app(folder)
    theirs = list(app.router.routes)
    app.router.routes.clear()
    app.get(f"{TASK}/artifacts")(artifacts)
    app.get(f"{TASK}/attempt/{{attempt}}/artifacts")(artifacts)
    app.get(f"{TASK}/artifacts/{{name}}")(artifact)
    app.get(f"{TASK}/artifacts/{{name}}/attempt/{{attempt}}")(artifact)
    app.post("/flows/{flow}/run", status_code=201)(create_run)
    app.post("/flows/{flow}/runs/{run}/steps/{step}/task", status_code=201)(create_task)
    app.router.routes.extend(theirs)  # the first that fits is taken
    uvicorn.run(app, port=port, log_level="warning")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
