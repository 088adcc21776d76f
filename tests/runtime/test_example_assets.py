"""The examples of assets: what Dagster's catalog and its automation make of their runs."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

from dagster import AssetCheckKey, AssetKey, DagsterInstance
from support.project import Project

EXAMPLES = Path(__file__).parents[2] / "examples"
# Orders, then the flow, then what Dagster's automation asks for before and after it.
WAREHOUSE = """
import json, sqlite3
import dagster as dg
from definitions import daily_orders, defs, forecast_new_orders, staffing

with dg.DagsterInstance.get() as instance:
    dg.materialize([daily_orders], instance=instance)
    tick = forecast_new_orders.evaluate_tick(dg.build_sensor_context(instance, definitions=defs))
    before = dg.evaluate_automation_conditions(defs, instance)
    assert defs.get_job_def("ForecastFlow").execute_in_process(instance=instance).success
    after = dg.evaluate_automation_conditions(defs, instance, cursor=before.cursor)
    dg.materialize([staffing], instance=instance, selection=[staffing.key])
graph = defs.resolve_asset_graph()
print(json.dumps({
    "started": len(tick.run_requests),
    "requested": [result.get_num_requested(staffing.key) for result in (before, after)],
    "parents": [key.to_user_string() for key in graph.get(staffing.key).parent_keys],
    "people": sqlite3.connect("warehouse.db").execute("SELECT people FROM staffing").fetchall(),
}))
"""


def test_the_quality_gate_decides_a_check(project: Project) -> None:
    flow = "quality_gate_flow.py"
    shutil.copy(EXAMPLES / flow, project.folder)
    create = ("create", "defs.py", "--asset-check", "start.is_good")
    project.run(sys.executable, flow, "--no-pylint", "dagster", *create)
    project.execute("QualityGateFlow")
    project.run(sys.executable, flow, "dagster", "trigger", "--allowed=0.1", "--wait")
    check = AssetCheckKey(AssetKey("QualityGateFlow"), "is_good")
    with DagsterInstance.from_config(project.env["DAGSTER_HOME"]) as instance:
        records = instance.event_log_storage.get_asset_check_execution_history(check, limit=9)
    assert [record.status.value for record in records] == ["FAILED", "SUCCEEDED"]


def test_a_table_follows_a_flow(project: Project) -> None:
    shutil.copytree(EXAMPLES / "warehouse", project.folder, dirs_exist_ok=True)
    create = ("dagster", "create", "forecast_dagster.py")
    project.run(sys.executable, "forecast_flow.py", "--no-pylint", *create)
    done = project.run(sys.executable, "-c", WAREHOUSE)
    assert json.loads(done.stdout.splitlines()[-1]) == {
        "started": 1,
        "requested": [0, 1],
        "parents": ["ForecastFlow"],
        "people": [[5]],
    }
