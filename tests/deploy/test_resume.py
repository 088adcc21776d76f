"""Resume and re-execution of a flow with every shape."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

WITHOUT_PACKAGE = Path(__file__).parents[1] / "differential" / "without_package"
FOREACH = {
    "start": ["start"],
    "outer": ["outer-0", "outer-1"],
    "inner": ["inner-0-0", "inner-0-1", "inner-1-0"],
}
JOINED = {
    **FOREACH,
    "inner": [*FOREACH["inner"], "inner-1-1"],
    "inner_join": ["inner_join-0", "inner_join-1"],
    "outer_join": ["outer_join"],
}
LOOPED = {**JOINED, "loop": ["loop.i0", "loop.i1"]}
ALL_BUT_END = {
    **JOINED,
    "loop": ["loop.i0", "loop.i1", "loop.i2", "loop.i3"],
    "caught": ["caught"],
    "gangs": ["gangs"],
    "gang": ["gang", "gang_node_1"],
    "gang_join": ["gang_join"],
}


def test_each_resume_continues_parent_from_the_one_before(embedded):
    project = embedded("shapes")
    project.touch("fail-inner")
    first = project.start("trigger", "--need", "it", "--alpha", "2", code=1)

    project.remove("fail-inner")
    project.touch("fail-loop")
    second = project.start("resume", "--origin-run-id", first, code=1)
    # The join of the first outer item did not wait for the second one, whose inner item failed.
    assert project.cloned(f"Shapes/{second}") == {**FOREACH, "inner_join": ["inner_join-0"]}

    project.remove("fail-loop")
    project.touch("fail-end")
    third = project.start("resume", "--origin-run-id", second, "--alpha", "3", code=1)
    assert project.cloned(f"Shapes/{third}") == LOOPED

    project.remove("fail-end")
    fourth = project.start("resume", "--origin-run-id", third)
    assert project.cloned(f"Shapes/{fourth}") == ALL_BUT_END
    data = f"(r := Run('Shapes/{fourth}')).data"
    facts = project.query(
        f"[{data}.need, {data}.alpha, r.data.seen_at_end,"
        " r['outer_join'].task.data.seen, r.data.nodes,"
        " r['_parameters'].task.data.alpha, r.successful,"
        " r['caught'].task.data.failure.exception]"
    )
    cloned_seen = [[2.0, 2.0], [2.0, 2.0]]
    assert facts[:7] == ["it", 3.0, 3.0, cloned_seen, [0, 1], 3.0, True]
    assert "flow.py is there" in facts[7]
    assert project.query(f"Run('Shapes/{fourth}').origin_pathspec") == f"Shapes/{third}"


def test_tasks_of_an_unbounded_foreach_are_cloned_with_their_control_task(embedded):
    project = embedded("unbounded")
    project.touch("fail-join")
    origin = project.start("trigger", code=1)
    project.remove("fail-join")
    resumed = project.start("resume", "--origin-run-id", origin)
    cloned = project.cloned(f"Unboundeds/{resumed}")
    assert cloned["number"] == ["number-0", "number-0-0", "number-1", "number-1-0", "number-1-1"]
    run = f"Run('Unboundeds/{resumed}')"
    assert project.query(f"[{run}.successful, {run}.data.found]") == [True, [[0], [0, 1]]]


def test_a_gang_is_cloned_in_a_resume_of_a_resume(embedded):
    project = embedded("gangs")
    project.touch("fail-end")
    first = project.start("trigger", code=1)
    second = project.start("resume", "--origin-run-id", first, code=1)
    project.remove("fail-end")
    third = project.start("resume", "--origin-run-id", second)
    letters, gang = ["letter", "letter-0", "letter-1"], ["gang", "gang_node_1"]
    cloned = project.cloned(f"Gangs/{third}")
    assert (cloned["letter"], cloned["gang"]) == (letters, gang)
    assert "end" not in cloned
    run = f"Run('Gangs/{third}')"
    assert project.query(f"[{run}.successful, {run}.data.found, {run}.data.nodes]") == [
        True,
        ["x", "y"],
        [0, 1],
    ]
    tasks = f"Task('Gangs/{third}/gang/gang')['_control_mapper_tasks'].data"
    assert project.query(tasks) == [f"{third}/gang/{task}" for task in gang]


@pytest.mark.parametrize(
    ("how", "step", "task"), [("leave", "letter", "letter-1"), ("exit", "gang", "gang_node_1")]
)
def test_a_gang_of_which_a_task_left_early_runs_again(embedded, how, step, task):
    project = embedded("gangs")
    project.touch(f"{how}-{step}")
    output = project.dagster("trigger", "--wait", "--run-id-file", "run-id", code=1)
    first = (project.folder / "run-id").read_text()
    assert f"Task {first}/{step}/{task} ended its process before it was done." in output
    again = project.run(sys.executable, "-c", REDO + "redo()", str(project.home), "Gangs")
    assert json.loads(again.splitlines()[-1])["failed"] == [f"op_{step}"]

    project.remove(f"{how}-{step}")
    resumed = project.start("resume", "--origin-run-id", first)
    assert step not in project.cloned(f"Gangs/{resumed}")
    again = project.run(sys.executable, "-c", REDO + "redo()", str(project.home), "Gangs", first)
    assert json.loads(again.splitlines()[-1])["failed"] == []
    for run in (f"Run('Gangs/{resumed}')", f"Run('Gangs/{first}')"):
        assert project.query(f"[{run}.successful, {run}.data.found, {run}.data.nodes]") == [
            True,
            ["x", "y"],
            [0, 1],
        ]


def test_a_resume_file_works_without_this_package(embedded):
    project = embedded("chain", create=False)
    project.flow("run", "--mode", "fail", "--alpha", "2", "--run-id-file", "run-id", code=1)
    origin = (project.folder / "run-id").read_text()
    project.dagster("create", "again.py", "--origin-run-id", origin)
    project.home.mkdir()
    config = project.folder / "config.json"
    config.write_text('{"ops": {"op_start": {"config": {"mode": "no"}}}}')
    cache = project.folder / "cache"
    project.run(
        *(sys.executable, "-m", "dagster", "job", "execute"),
        *("-f", "again.py", "-j", "Chain", "-c", str(config)),
        DAGSTER_HOME=str(project.home),
        METAFLOW_DAGSTER_CACHE=str(cache),
        PYTHONPATH=str(WITHOUT_PACKAGE),
    )
    assert list((cache / "packages").iterdir())  # the clone command is in the code package
    run = "Flow('Chain').latest_run"
    assert project.query(
        f"[{run}.successful, {run}.origin_pathspec, {run}['middle'].task.data.seen]"
    ) == [True, f"Chain/{origin}", 2.0]
    assert project.cloned(f"Chain/{project.query(f'{run}.id')}") == {"start": ["start"]}


def test_native_run_is_resumed_from_a_step(embedded):
    project = embedded("shapes", create=False)
    project.touch("fail-end")
    project.flow("run", "--need", "it", "--run-id-file", "run-id", code=1)
    origin = (project.folder / "run-id").read_text()
    project.remove("fail-end")
    resumed = project.start("resume", "--origin-run-id", origin, "gangs")
    kept = {k: v for k, v in ALL_BUT_END.items() if not k.startswith("gang")}
    assert project.cloned(f"Shapes/{resumed}") == kept
    run = f"Run('Shapes/{resumed}')"
    assert project.query(f"[{run}.successful, {run}.data.nodes]") == [True, [0, 1]]
    assert "metaflow/origin_run_id" in project.run(sys.executable, "-c", TAGS, str(project.home))
    other = project.folder / "other.py"
    other.write_text((project.folder / "flow.py").read_text().replace("Shapes", "Other"))
    command = [sys.executable, "other.py", "--no-pylint", "dagster", "resume"]
    refused = project.run(*command, "--origin-run-id", origin, code=1)
    assert f"Flow Other has no run {origin}" in refused


@pytest.mark.slow
def test_a_run_of_argo_workflows_is_resumed(embedded):
    """Its ids, user and namespace are not ours: argo_workflows.py, ``_container_templates``."""
    project = embedded("chain")
    run, user = "argo-chain-x7k2p", {"METAFLOW_USER": "argo-workflows"}
    tag = ("--tag", "production:token")
    parameters = ("--task-id", "t-0a-params", "--alpha", "2")
    project.flow("init", "--run-id", run, *parameters, *tag, **user)
    inputs = ("--input-paths", f"{run}/_parameters/t-0a-params")
    project.flow("step", "start", "--run-id", run, "--task-id", "t-1b", *inputs, *tag, **user)

    resumed = project.start("resume", "--origin-run-id", run)
    assert project.cloned(f"Chain/{resumed}") == {"start": ["start"]}
    assert project.query(f"Run('Chain/{resumed}').data.result[0]") == 2.0


def test_deployed_flow_is_resumed_whatever_its_source_says_now(embedded):
    project = embedded("shapes")
    project.touch("fail-end")
    origin = project.start("trigger", "--need", "it", code=1)
    project.remove("fail-end")
    source = project.folder / "flow.py"
    edited = source.read_text().replace("self.seen_at_end =", "raise Exception('edited') or")
    source.write_text(edited)
    resumed = project.start("resume", "--origin-run-id", origin, "--as-deployed")
    assert project.cloned(f"Shapes/{resumed}") == ALL_BUT_END
    assert project.query(f"Run('Shapes/{resumed}').data.need") == "it"
    refused = project.dagster("resume", "nope", "--origin-run-id", origin, "--as-deployed", code=1)
    assert "There is no step nope in this flow" in refused


@pytest.mark.slow
def test_resume_where_data_is_in_s3_and_metadata_in_the_service(embedded, remote):
    project = embedded("shapes", create=False)
    project.env |= remote.env
    project.dagster("create", "defs.py")
    project.touch("fail-end")
    origin = project.start("trigger", "--need", "it", code=1)
    project.remove("fail-end")
    resumed = project.start("resume", "--origin-run-id", origin)
    assert project.cloned(f"Shapes/{resumed}") == ALL_BUT_END
    assert project.query(f"Run('Shapes/{resumed}').successful")


@pytest.mark.timeout(300)
def test_reexecution_in_dagster_continues_parent_with_the_metaflow_run(embedded):
    project = embedded("shapes")
    project.touch("fail-inner")
    run_id = project.start("trigger", "--need", "it", code=1)
    output = project.run(sys.executable, "-c", REEXECUTE, str(project.home), "Shapes")
    again, loop, end, selected = [json.loads(line) for line in output.splitlines()[-4:]]
    assert [r.pop("run_id") for r in (again, loop, end, selected)] == [run_id] * 4
    assert again == {"success": False, "done": 4, "failed": ["op_loop"]}
    assert loop == {"success": False, "done": 5, "failed": ["op_end"]}
    assert end == {"success": True, "done": 1, "failed": []}
    assert selected == {"success": True, "done": 1, "failed": []}

    tasks = project.tasks(f"Shapes/{run_id}")
    assert project.query(f"Run('Shapes/{run_id}').successful")
    assert [t.split(".")[0] for t in tasks["inner"]] == ["inner-0-0", "inner-0-1", "inner-1-0"] + [
        "inner-1-1"
    ]
    rounds = [t.rsplit(".", 1)[1] for t in tasks["loop"]]
    # The first re-execution ran two rounds, the next one the other two, the last one all of them.
    assert sorted(rounds) == ["i0", "i0", "i1", "i1", "i2", "i2", "i3", "i3"]
    assert len(tasks["end"]) == 1


TAGS = """
import sys
from dagster import DagsterInstance
run = DagsterInstance.from_config(sys.argv[1]).get_run_records(limit=1)[0].dagster_run
print(sorted(run.tags))
"""
# Arguments: the instance, the job and, where it is not the latest, the Metaflow run to go on with.
REDO = """
import json, os, sys
from dagster import DagsterInstance, ReexecutionOptions, RunsFilter, execute_job
from metaflow_extensions.dagster.targets._dagster_internals import load_job
instance = DagsterInstance.from_config(sys.argv[1])
job = load_job(os.path.abspath("defs.py"), sys.argv[2], os.getcwd())
runs = RunsFilter(tags={"metaflow/run_id": sys.argv[3]} if sys.argv[3:] else {})

def redo(selection=None):
    parent = instance.get_run_records(runs, limit=1)[0].dagster_run
    options = ReexecutionOptions.from_failure(parent.run_id, instance)
    if selection:
        options = ReexecutionOptions(parent.run_id, selection)
    done = execute_job(job, instance, run_config=parent.run_config, reexecution_options=options)
    steps = [e for e in done.all_events if (e.step_key or "").startswith("op_")]
    run = instance.get_run_by_id(done.run_id)
    print(json.dumps({
        "success": done.success, "run_id": run.tags["metaflow/run_id"],
        "done": sum(e.is_step_success for e in steps),
        "failed": [e.step_key for e in steps if e.is_step_failure],
    }))
"""
REEXECUTE = (
    REDO
    + """
os.rename("fail-inner", "fail-loop")
redo()
os.rename("fail-loop", "fail-end")
redo()
os.remove("fail-end")
redo()
redo(["op_loop"])
"""
)
