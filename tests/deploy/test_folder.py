"""A folder of flows as one code location: load_flows and the component."""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from .conftest import FLOWS

BROKEN = """
from metaflow import FlowSpec, step
class Broken(FlowSpec):
    @step
    def start(self):
        self.next(self.nowhere)
    @step
    def end(self):
        pass
if __name__ == "__main__":
    Broken()
"""
DEFINITIONS = """
from pathlib import Path
from metaflow_dagster import FlowOptions, load_flows
defs = load_flows(
    Path(__file__).parent / "flows",
    options=FlowOptions(tags=("team:a",)),
    flows={"Chain": {"max_workers": 2}, "sub/hourly.py": {"name": "nightly"}},
    exclude=["tests/*"],
)
"""
REPORT = """
import json, time
from definitions import defs
repository = defs.get_repository_def()
jobs = {job.name: job for job in repository.get_all_jobs() if not job.name.startswith("__")}
print(json.dumps({
    "jobs": {name: job.description or "" for name, job in jobs.items()},
    "schedules": [schedule.name for schedule in repository.schedule_defs],
}))
"""


TRANSLATED = """
import json
from dagster import AssetKey
from definitions import defs
job = defs.get_repository_def().get_job("ml_Chain")
asset = defs.resolve_asset_graph().get(AssetKey(["research", "Chain"]))
print(json.dumps({
    "tags": dict(job.tags), "owners": job.owners, "description": job.description,
    "runbook": job.metadata["runbook"].value, "critical": job.metadata["critical"].value,
    "ops": {node.name: node.definition.name for node in job.nodes},
    "key": asset.key.to_user_string(), "group": asset.group_name, "asset_owners": asset.owners,
}))
"""


class Folder:
    """A project with a folder of flows."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.flows = root / "flows"
        dropped = ("METAFLOW_", "DAGSTER_")
        self.env = {k: v for k, v in os.environ.items() if not k.startswith(dropped)}
        self.env.pop("PYTHONDONTWRITEBYTECODE", None)
        self.env |= {
            "USER": "tester",
            "METAFLOW_HOME": str(root / "config"),
            "METAFLOW_DAGSTER_CACHE": str(root / "cache"),
            "METAFLOW_DEFAULT_DATASTORE": "local",
            "METAFLOW_DEFAULT_METADATA": "local",
            "DAGSTER_HOME": str(root / "home"),
        }
        for name in ("flows/sub", "flows/tests", "home", ".metaflow"):
            (root / name).mkdir(parents=True)
        (root / "home" / "dagster.yaml").write_text("telemetry:\n  enabled: false\n")
        shutil.copy(FLOWS / "chain.py", self.flows)
        shutil.copy(FLOWS / "hourly.py", self.flows / "sub")
        shutil.copy(FLOWS / "talker.py", self.flows / "tests")
        (self.flows / "helper.py").write_text("# no flow: metaflow __main__\n")

    def run(self, *command: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(command, cwd=self.root, env=self.env, capture_output=True, text=True)
        assert done.returncode == code, done.stdout + done.stderr
        return done

    def report(self) -> tuple[dict[str, Any], str]:
        """What is loaded, and what was logged."""
        done = self.run(sys.executable, "-c", REPORT)
        return json.loads(done.stdout.splitlines()[-1]), done.stderr

    def compiled(self) -> dict[str, int]:
        """By flow, when its latest definitions file was made."""
        files = (self.root / "cache" / "flows").glob("*/*_definitions.py")
        times = sorted((path.stat().st_mtime_ns, path.name.split("_")[0]) for path in files)
        return {name: time for time, name in times}

    def changed(self, before: dict[str, int]) -> set[str]:
        """The flows that have been compiled again."""
        return {name for name, time in self.compiled().items() if before.get(name) != time}


@pytest.fixture
def folder(tmp_path) -> Folder:
    return Folder(tmp_path)


def test_flows_of_a_folder(folder):
    (folder.root / "definitions.py").write_text(DEFINITIONS)
    (folder.flows / "broken.py").write_text(BROKEN)
    loaded, log = folder.report()
    assert sorted(loaded["jobs"]) == ["Broken", "Chain", "nightly"]
    assert loaded["schedules"] == ["nightly_schedule"]
    problem = "transition to an unknown step, nowhere"
    assert problem in loaded["jobs"]["Broken"]
    assert "broken.py does not compile" in log
    assert problem in log
    first = folder.compiled()

    # Nothing has changed; then files that are not the flows' code.
    folder.report()
    (folder.root / "notes.py").write_text("pass\n")
    folder.report()
    assert folder.changed(first) == set()

    # An edit, in a file that every flow of this folder may import. Others are not touched.
    (folder.flows / "helper.py").write_text("# changed\n")
    folder.report()
    assert folder.changed(first) == {"chain"}
    (folder.flows / "broken.py").write_text(BROKEN.replace("nowhere", "end"))
    loaded, log = folder.report()
    assert (loaded["jobs"]["Broken"], log) == ("", "")

    # Options and settings count too.
    before = folder.compiled()
    text = DEFINITIONS.replace('"max_workers": 2', '"max_workers": 3')
    (folder.root / "definitions.py").write_text(text)
    folder.report()
    assert folder.changed(before) == {"chain"}
    folder.env["METAFLOW_DEFAULT_METADATA"] = "local"
    shutil.rmtree(folder.root / ".metaflow" / "Hourly")
    before = folder.compiled()
    folder.report()
    assert folder.changed(before) == {"hourly"}  # its code was gone

    # A run of one is a run of Metaflow, and one of a flow that does not compile says why.
    (folder.flows / "broken.py").write_text(BROKEN)
    execute = (sys.executable, "-m", "dagster", "job", "execute", "-f", "definitions.py", "-j")
    folder.run(*execute, "nightly")
    query = "from metaflow import *; print(Flow('Hourly').latest_successful_run.user_tags)"
    assert "team:a" in folder.run(sys.executable, "-c", query).stdout
    assert problem in folder.run(*execute, "Broken", code=1).stderr

    # Commands name the project, not the file in the cache.
    command = (sys.executable, "flows/chain.py", "--no-pylint", "dagster")
    folder.run(*command, "trigger", "--wait")
    assert "dagster dev  # as in your project, then open" in folder.run(*command, "status").stdout
    (folder.flows / "chain.py").touch()
    assert "Reload the code location" in folder.run(*command, "doctor").stdout


def test_a_failure_is_kept_and_what_nobody_uses_is_removed(folder):
    shutil.rmtree(folder.flows / "sub")
    (folder.flows / "chain.py").unlink()
    (folder.root / "definitions.py").write_text(
        "from metaflow_dagster import load_flows\ndefs = load_flows('flows', exclude=['tests/*'])\n"
    )
    imports = folder.root / "imports"
    text = f"open({str(imports)!r}, 'a').write('x')\n{BROKEN}"
    (folder.flows / "broken.py").write_text(text)
    flows = folder.root / "cache" / "flows"
    for name, days in (("old-1", 31), ("recent-1", 29)):
        (flows / name).mkdir(parents=True)
        then = time.time() - days * 24 * 3600
        os.utime(flows / name, (then, then))

    problem = "transition to an unknown step, nowhere"
    for _ in range(2):
        assert problem in folder.report()[0]["jobs"]["Broken"]
    assert imports.read_text() == "x"
    assert {path.name.split("-")[0] for path in flows.iterdir()} == {"broken", "recent"}

    # After some minutes it is tried again: the cause may have been elsewhere.
    (record,) = flows.glob("broken-*/sources.json")
    os.utime(record, (time.time() - 301, time.time() - 301))
    folder.report()
    assert imports.read_text() == "xx"
    (folder.flows / "broken.py").write_text(text.replace("nowhere", "end"))
    assert folder.report()[0]["jobs"]["Broken"] == ""


def test_two_flows_of_one_name(folder):
    shutil.copy(folder.flows / "chain.py", folder.flows / "sub" / "again.py")
    definitions = "from metaflow_dagster import load_flows\ndefs = load_flows('flows')\n"
    (folder.root / "definitions.py").write_text(definitions)
    loaded, _ = folder.report()
    assert sorted(loaded["jobs"]) == ["Chain", "Chain_", "Hourly", "Talker"]
    assert "Give one of the flows another name" in loaded["jobs"]["Chain_"]


def test_a_translator_names_the_jobs(folder):
    (folder.flows / "tests" / "talker.py").unlink()
    (folder.flows / "sub" / "hourly.py").unlink()
    definitions = (
        "from metaflow_dagster import load_flows\nfrom support.translators import Ours\n"
        "defs = load_flows('flows', translator=Ours)\n"
    )
    (folder.root / "definitions.py").write_text(definitions)
    folder.env["PYTHONPATH"] = str(Path(__file__).parents[1])
    assert sorted(folder.report()[0]["jobs"]) == ["ml_Chain"]
    shown = json.loads(folder.run(sys.executable, "-c", TRANSLATED).stdout.splitlines()[-1])
    assert shown["tags"].items() >= {"cost": "low", "steps": str(len(shown["ops"]))}.items()
    assert shown["owners"] == shown["asset_owners"] == ["team:research"]
    assert (shown["key"], shown["group"]) == ("research/Chain", "research")
    assert shown["description"].endswith(f"Of {len(shown['ops'])} steps.")
    assert (shown["runbook"], shown["critical"]) == ("https://x.example", True)
    assert shown["ops"]["op_start"] == "ml_Chain_does_start"
    # Commands find the job by its flow.
    done = folder.run(sys.executable, "flows/chain.py", "--no-pylint", "dagster", "doctor")
    assert "ml_Chain" in done.stdout


EVENT_FLOW = """
from metaflow import FlowSpec, step, trigger
{decorator}
class {name}(FlowSpec):
    @step
    def start(self):
        self.next(self.end)
    @step
    def end(self):
        pass
if __name__ == "__main__":
    {name}()
"""
LINEAGE = """
from definitions import defs
graph = defs.resolve_asset_graph()
print({"/".join(key.path): sorted("/".join(parent.path) for parent in graph.get(key).parent_keys)
       for key in graph.get_all_asset_keys()})
"""


def test_an_event_has_lines_from_all_flows_that_publish_it(folder):
    shutil.rmtree(folder.flows)
    folder.flows.mkdir()
    waits = '@trigger(event="rows.ready")'
    for name, decorator in (("First", ""), ("Second", ""), ("Waiting", waits)):
        text = EVENT_FLOW.format(name=name, decorator=decorator)
        (folder.flows / f"{name.lower()}.py").write_text(text)
    publishes = "{'publishes': ['rows.ready']}"
    (folder.root / "definitions.py").write_text(
        "from metaflow_dagster import load_flows\ndefs = load_flows("
        f"'flows', flows={{'First': {publishes}, 'Second': {publishes}}})\n"
    )
    done = folder.run(sys.executable, "-W", "error:::metaflow_dagster", "-c", LINEAGE)
    assert ast.literal_eval(done.stdout.splitlines()[-1]) == {
        "First": [],
        "Second": [],
        "metaflow/events/rows.ready": ["First", "Second"],
        "Waiting": ["metaflow/events/rows.ready"],
    }
    loaded, _ = folder.report()
    assert sorted(loaded["jobs"]) == ["First", "Second", "Waiting"]


def test_unknown_flows_and_folders_are_refused(folder, monkeypatch):
    from metaflow_dagster import DagsterDeployError, load_flows

    with pytest.raises(DagsterDeployError, match="is not a folder"):
        load_flows(folder.root / "nowhere")
    with pytest.raises(DagsterDeployError, match=r"no flow \*Chian\*.*The flows are: chain.py"):
        load_flows(folder.flows, flows={"Chian": {}})


DEFS_YAML = """
type: metaflow_dagster.MetaflowFlowsComponent
attributes:
  path: "{{ project_root }}/flows"
  exclude: [tests/*]
  options:
    tags: ["team:a"]
  flows:
    Chain:
      max_workers: 2
    sub/hourly.py:
      name: nightly
      schedule_on: false
"""


def test_component(folder):
    """Found, scaffolded and loaded by the dg command line."""
    project = folder.root
    (project / "pyproject.toml").write_text(
        '[project]\nname = "shop"\nversion = "0"\n'
        '[tool.dg]\ndirectory_type = "project"\n[tool.dg.project]\nroot_module = "shop"\n'
    )
    (project / "shop" / "defs").mkdir(parents=True)
    for name in ("shop/__init__.py", "shop/defs/__init__.py"):
        (project / name).touch()
    (project / "shop" / "definitions.py").write_text(
        "from pathlib import Path\nimport dagster as dg\n\n\n@dg.definitions\ndef defs():\n"
        "    return dg.load_from_defs_folder(path_within_project=Path(__file__).parent)\n"
    )
    folder.env["PYTHONPATH"] = str(project)
    dg = str(Path(sys.executable).with_name("dg"))
    component = "metaflow_dagster.MetaflowFlowsComponent"
    assert component in folder.run(dg, "list", "components", "--json").stdout
    folder.run(dg, "scaffold", "defs", component, "hello")
    scaffolded = project / "shop" / "defs" / "hello"
    assert component in (scaffolded / "defs.yaml").read_text()
    assert (scaffolded / "flows" / "hello_flow.py").is_file()
    (project / "shop" / "defs" / "all").mkdir()
    (project / "shop" / "defs" / "all" / "defs.yaml").write_text(DEFS_YAML)
    folder.run(dg, "check", "yaml")
    listed = json.loads(folder.run(dg, "list", "defs", "--json").stdout)
    assert {job["name"] for job in listed["jobs"]} == {"Chain", "HelloFlow", "nightly"}

    # Two components whose flows wait for one event, which Dagster lets only one of them define.
    waits = '@trigger(event="rows.ready")'
    for name in ("one", "two"):
        flows = project / "shop" / "defs" / name / "flows"
        flows.mkdir(parents=True)
        text = EVENT_FLOW.format(name=name.title(), decorator=waits)
        (flows / f"{name}.py").write_text(text)
        (flows.parent / "defs.yaml").write_text(f"type: {component}\nattributes:\n  path: flows\n")
    listed = json.loads(folder.run(dg, "list", "defs", "--json").stdout)
    deps = {
        # Dagster 1.12.0 calls these `key` and `deps`.
        asset.get("asset_key") or asset["key"]: asset.get("dependency_keys")
        or asset.get("deps", [])
        for asset in listed["assets"]
    }
    assert deps["One"] == deps["Two"] == ["metaflow/events/rows.ready"]
    assert deps["metaflow/events/rows.ready"] == []

    bad = DEFS_YAML.replace("max_workers", "max_worker")
    (project / "shop" / "defs" / "all" / "defs.yaml").write_text(bad)
    # Of several components of one type in what it is given, dg checks only one.
    assert "max_worker" in folder.run(dg, "check", "yaml", "shop/defs/all", code=1).stdout
