"""Metaflow's Deployer API, from a process of its own as users have it."""

from __future__ import annotations

import json
import sys

ELSEWHERE = """
import json, os
from metaflow import DeployedFlow, Deployer, namespace
namespace(None)
os.mkdir("elsewhere")
home = os.path.abspath("elsewhere")
deployer = Deployer("flow.py", pylint=False, show_output=False, env={"DAGSTER_HOME": home})
flow = deployer.dagster().create(file="defs.py")
run = flow.trigger()
run.wait_for_completion(check_interval=1, timeout=120)
stopped = flow.trigger(mode="long")
while stopped.status == "Pending":
    pass
found = DeployedFlow.get_triggered_run("Chain", run.name, impl="dagster")
statuses = [run.status, found.status]
print(json.dumps([*statuses, home in run.dagster_ui, stopped.terminate(), stopped.status]))
print(json.dumps([repr(deployer.dagster()), repr(flow), repr(run)]))
"""


def test_a_run_knows_the_instance_that_it_went_to(embedded):
    project = embedded("chain", create=False)
    lines = project.run(sys.executable, "-c", ELSEWHERE).splitlines()
    facts, shown = map(json.loads, lines[-2:])
    assert facts == ["Succeeded", "Succeeded", True, True, "Terminated"]
    deployer, flow, run = shown
    assert deployer.startswith("DagsterDeployer('")
    assert deployer.endswith("flow.py')")
    assert flow == "DagsterDeployedFlow('Chain', flow='Chain')"
    assert run.startswith("DagsterTriggeredRun('Chain/dagster-")


SCRIPT = """
import json, os, tempfile
from metaflow import DeployedFlow, Deployer, namespace
namespace(None)
os.mkdir("scratch")
tempfile.tempdir = os.path.abspath("scratch")
flow = Deployer("flow.py", pylint=False, show_output=False).dagster().create(
    file="defs.py", tags=["a:1"])
run = flow.trigger(alpha=4, many=["a", "b"], retry_count=7, url="v")
started = run.status
ui = run.dagster_ui
run.wait_for_completion(check_interval=1, timeout=120)
found = DeployedFlow.from_deployment("Chain", impl="dagster")
second = found.resume(run.name, "end", alpha=5, tags=["b:2"])
second.wait_for_completion(check_interval=1, timeout=120)
stopped = flow.trigger(mode="long")
while stopped.status == "Pending":
    pass
ended = stopped.terminate()
print(json.dumps({
    "names": [flow.name, flow.flow_name, found.name],
    "started": started,
    "ui": run._info().dagster_run_id in ui,
    "ended": [run.status, second.status, stopped.status],
    "results": [run.run.data.result, second.run.data.alpha],
    "tags": sorted(second.run.user_tags),
    "terminated": ended,
    "again": DeployedFlow.get_triggered_run("Chain", run.name, impl="dagster").status,
    "unknown": DeployedFlow.get_triggered_run("Chain", "nope", impl="dagster").status,
    "token": flow.production_token,
    "listed": [f.name for f in DeployedFlow.list_deployed_flows(impl="dagster")],
    "deleted": found.delete(),
    "then": [f.name for f in DeployedFlow.list_deployed_flows("Chain", impl="dagster")],
}))
"""


def test_life_of_a_deployed_flow(embedded):
    project = embedded("chain", create=False)
    facts = json.loads(project.run(sys.executable, "-c", SCRIPT).splitlines()[-1])
    assert facts.pop("started") in ("Pending", "Running", "Succeeded")
    assert facts == {
        "names": ["Chain", "Chain", "Chain"],
        "ui": True,
        "ended": ["Succeeded", "Succeeded", "Terminated"],
        "results": [[4.0, 7, "v", {"a": 1}, ["a", "b"]], 5.0],
        "tags": ["a:1", "b:2"],
        "terminated": True,
        "again": "Succeeded",
        "unknown": None,
        "token": None,
        "listed": ["Chain"],
        "deleted": True,
        "then": [],
    }
    # Metaflow keeps the output of commands there; the stand-in for the flow's source is ours.
    scratch = project.folder / "scratch"
    assert list(scratch.iterdir())
    assert list(scratch.glob("metaflow-dagster-*")) == []
