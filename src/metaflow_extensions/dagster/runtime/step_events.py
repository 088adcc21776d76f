"""Events that steps publish when they succeed, as Metaflow's do under Argo Workflows."""

import time
from typing import Any

from dagster import AssetKey, AssetMaterialization, OpExecutionContext

from .events import _EVENT_KEY
from .flow import _Flow
from .sensors import _end_step


def _publish_finished(flow: _Flow, context: OpExecutionContext, task: Any) -> None:
    """Publish `metaflow.<flow>.<step>` for a step's task, or for every task of a gang.

    A last step that is not called `end` publishes `metaflow.<flow>.end` too, as whoever waits for
    the flow does not know its name.
    """
    tags = context.run.tags
    project, branch = tags.get("metaflow/project"), tags.get("metaflow/branch")
    parts = [part for part in (project, branch, flow.flow_name) if part]
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
        is_end = step_name == _end_step(context.run)
        names = [step_name, "end"] if is_end and step_name != "end" else [step_name]
        for name in names:
            event = ".".join(["metaflow", *parts, name])
            payload = {
                "name": event,
                "id": f"{flow.flow_name}/{path}",
                "timestamp": int(time.time()),
                "pathspec": f"{flow.flow_name}/{path}",
                "flow_name": flow.flow_name,
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
