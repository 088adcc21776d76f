"""``@trigger_on_finish``: which successes start which runs."""

from __future__ import annotations

import os
import time

from dagster import DagsterRunStatus
from events.conftest import Sensor, load, triggered_by
from events.flows import BRANCH, ONE, TWO


def test_each_success_starts_one_run(deploy, sensor, end_run):
    after = sensor(load(deploy(ONE).folder / "defs.py"), "OneFlow_on_finish_0")
    first, second = end_run("UpFlow"), end_run("UpFlow", job="nightly")
    requests = after.tick()
    assert [request.run_key for request in requests] == [first.run_id, second.run_id]
    assert after.tick() == []
    assert "UpFlow" in after.skipped
    (event,) = triggered_by(requests[0])
    assert event["type"] == "run"
    assert event["name"] == "metaflow.UpFlow.end"
    assert event["id"].startswith("UpFlow/dagster-")
    assert event["id"].endswith("/end/end")
    assert requests[0].tags["metaflow/triggered_by"] == event["id"].removesuffix("/end/end")
    assert abs(event["timestamp"] - time.time()) < 60


def test_only_successes_of_the_flow_count(deploy, sensor, end_run):
    after = sensor(load(deploy(ONE).folder / "defs.py"), "OneFlow_on_finish_0")
    end_run("UpFlow", DagsterRunStatus.FAILURE)
    end_run("UpFlow", DagsterRunStatus.CANCELED)
    end_run("OtherFlow", job="UpFlow")
    end_run("UpFlow", tags={"metaflow/project": "shop", "metaflow/branch": "prod"})
    end_run("UpFlow", step_keys_to_execute=["op_start"])
    assert after.tick() == []
    again = end_run("UpFlow", parent_run_id="x", root_run_id="x", step_keys_to_execute=["op_end"])
    (request,) = after.tick()
    assert request.run_key == again.run_id
    assert "/end/end.r" in triggered_by(request)[0]["id"]


def test_a_last_step_of_another_name(deploy, sensor, end_run):
    after = sensor(load(deploy(ONE).folder / "defs.py"), "OneFlow_on_finish_0")
    for hidden in (".dagster/metaflow_", "metaflow/"):  # the second is that of earlier files
        end_run("UpFlow", hidden=hidden, tags={f"{hidden}end_step": "finish"})
        (event,) = triggered_by(after.tick()[0])
        assert event["name"] == "metaflow.UpFlow.end"
        assert event["id"].endswith("/finish/finish")


def test_project_and_branch(deploy, sensor, end_run):
    module = load(deploy(BRANCH).folder / "defs.py")
    after = sensor(module, "shop__user__tester__BranchFlow_on_finish_0")
    shop = {"metaflow/project": "shop"}
    end_run("UpFlow")
    end_run("UpFlow", tags={**shop, "metaflow/branch": "prod"})
    end_run("UpFlow", tags={**shop, "metaflow/branch": "user.somebody"})
    assert after.tick() == []
    mine = end_run("UpFlow", tags={**shop, "metaflow/branch": "user.tester"})
    assert [request.run_key for request in after.tick()] == [mine.run_id]


def test_several_flows_mean_all_of_them(deploy, sensor, end_run):
    after = sensor(load(deploy(TWO).folder / "defs.py"), "TwoFlow_on_finish_0")
    prod = {"metaflow/project": "shop", "metaflow/branch": "prod"}
    end_run("UpFlow")
    assert after.tick() == []
    assert after.skipped == "No new success of shop.prod.OtherFlow."
    second = end_run("UpFlow")
    other = end_run("OtherFlow", tags=prod)
    (request,) = after.tick()
    assert request.run_key == f"{second.run_id}+{other.run_id}"
    assert [event["name"] for event in triggered_by(request)] == [
        "metaflow.UpFlow.end",
        "metaflow.shop.prod.OtherFlow.end",
    ]
    end_run("OtherFlow", tags=prod)
    assert after.tick() == []


def test_deployment_is_the_beginning(deploy, instance, end_run):
    """Successes before the file was written never count; those before the first tick do."""
    path = deploy(ONE).folder / "defs.py"
    written = path.stat()
    try:
        end_run("UpFlow")
        time.sleep(0.05)  # times of files are coarse
        os.utime(path)
        time.sleep(0.05)
        later = end_run("UpFlow")
        name = "OneFlow_on_finish_0"
        after = Sensor(getattr(load(path), name), instance)
        assert [request.run_key for request in after.tick()] == [later.run_id]
        # A file that bears an old time, as in an image: the time of loading it counts.
        os.utime(path, (0, 0))
        assert Sensor(getattr(load(path), name), instance).tick() == []
    finally:
        os.utime(path, ns=(written.st_atime_ns, written.st_mtime_ns))


def test_no_more_than_a_limit_a_tick(deploy, sensor, end_run):
    """A backlog, as after a pause of the daemon, is worked off in order."""
    module = load(deploy(ONE).folder / "defs.py")
    module._RECORDS_A_TICK = 5
    after = sensor(module, "OneFlow_on_finish_0")
    runs = [end_run("UpFlow").run_id for _ in range(12)]
    ticks = [[request.run_key for request in after.tick()] for _ in range(4)]
    assert [len(tick) for tick in ticks] == [5, 5, 2, 0]
    assert [key for tick in ticks for key in tick] == runs


def test_a_tick_that_is_lost_is_done_again(deploy, sensor, end_run):
    """The daemon may die before it stores the cursor: the same runs are asked for, by key."""
    after = sensor(load(deploy(TWO).folder / "defs.py"), "TwoFlow_on_finish_0")
    end_run("UpFlow")
    after.tick()
    end_run("OtherFlow", tags={"metaflow/project": "shop", "metaflow/branch": "prod"})
    before = after.cursor
    keys = [request.run_key for request in after.tick()]
    after.cursor = before
    assert [request.run_key for request in after.tick()] == keys
