"""Events that steps publish when they succeed, as Metaflow's do under Argo Workflows."""

import time
from typing import Any

from dagster import AssetKey, AssetMaterialization, OpExecutionContext

from .constants import FLOW_NAME
from .events import _EVENT_KEY
from .task import _StepResult


def _publish_finished(
    context: OpExecutionContext, task: _StepResult, *, is_end: bool = False
) -> None:
    """Publish `metaflow.<flow>.<step>` for a step's task, or for every task of a gang.

    A last step that is not called `end` publishes `metaflow.<flow>.end` too, as whoever waits for
    the flow does not know its name.
    """
    tags = context.run.tags
    project, branch = tags.get("metaflow/project"), tags.get("metaflow/branch")
    parts = [part for part in (project, branch, FLOW_NAME) if part]
    about: dict[str, Any] = {}
    if project and branch:
        about = {
            "project_name": project,
            "branch_name": branch,
            "is_user_branch": branch.startswith("user."),
            "is_production": branch.split(".")[0] == "prod",
            "project_flow_name": ".".join(parts),
        }
    for path in task.gang or [task.path]:
        run_id, step_name, task_id = path.split("/")
        names = [step_name, "end"] if is_end and step_name != "end" else [step_name]
        for name in names:
            event = ".".join(["metaflow", *parts, name])
            payload = {
                "name": event,
                "id": f"{FLOW_NAME}/{path}",
                "timestamp": int(time.time()),
                "pathspec": f"{FLOW_NAME}/{path}",
                "flow_name": FLOW_NAME,
                "run_id": run_id,
                "step_name": step_name,
                "task_id": task_id,
                **about,
                "generated-by-metaflow": True,
                "auto-generated-by-metaflow": True,
            }
            key = AssetKey([*_EVENT_KEY, event])
            context.instance.report_runless_asset_event(
                AssetMaterialization(key, metadata=payload)
            )
