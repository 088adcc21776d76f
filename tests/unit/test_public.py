"""The package that users import."""

import json
import subprocess
import sys
from dataclasses import fields
from typing import Any

import pytest

import metaflow_dagster
from metaflow_dagster.options import FlowOptions
from metaflow_extensions.dagster.cli.main import dagster
from metaflow_extensions.dagster.deployer.dagster_deployer import CreateArguments
from metaflow_extensions.dagster.errors import DagsterDeployError

OPTIONAL = {"dask_executor"}  # needs distributed


@pytest.mark.parametrize("name", ["DagsterEvent", "metaflow_executor", "MetaflowFlowsComponent"])
def test_a_name_is_there_by_itself(name):
    """In a process that has loaded nothing else, as Metaflow's and ours depend on each other."""
    code = f"import metaflow_dagster; print(repr(metaflow_dagster.{name}))"
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


def test_every_name_is_there():
    for name in set(metaflow_dagster.__all__) - OPTIONAL:
        assert getattr(metaflow_dagster, name) is not None


def test_importing_it_loads_neither_dagster_nor_metaflow():
    code = (
        "import sys, metaflow_dagster, metaflow_dagster as m; m.__version__\n"
        "print([name for name in ('dagster', 'metaflow') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"


def test_surface():
    assert list(metaflow_dagster.__all__) == sorted(metaflow_dagster.__all__)
    assert set(metaflow_dagster.__all__) - OPTIONAL <= set(dir(metaflow_dagster))
    with pytest.raises(AttributeError, match="no attribute 'nope'"):
        metaflow_dagster.nope  # noqa: B018
    assert repr(metaflow_dagster.DagsterEvent("a.b", {"k": 1})) == "DagsterEvent('a.b', {'k': 1})"


CHECKED = """
from metaflow_dagster import dagster_deployer

deployer = dagster_deployer("flow.py", production=True)
deployed = deployer.create(file="defs.py", tags=["team:a"], max_workers=4)
run = deployed.trigger(alpha=0.1)
status: str | None = run.status
deployer.create(flie="defs.py")  # line 8
deployer.create(max_workers="four")  # line 9
run.stop()  # line 10
"""


def test_a_type_checker_knows_the_deployer(tmp_path):
    (tmp_path / "deploy.py").write_text(CHECKED)
    command = ["-m", "pyright", "--outputjson", "--pythonpath", sys.executable, "deploy.py"]
    done = subprocess.run([sys.executable, *command], cwd=tmp_path, capture_output=True, text=True)
    found = json.loads(done.stdout)["generalDiagnostics"]
    assert [error["range"]["start"]["line"] + 1 for error in found] == [8, 9, 10], found


def test_options_are_those_of_create():
    options = {option.name for option in dagster.commands["create"].params}
    assert set(CreateArguments.__annotations__) == options - {
        *("name", "as_json", "deployer_attribute_file", "origin_run_id")
    }
    assert {field.name for field in fields(FlowOptions)} - {"flow_args"} <= options
    given = FlowOptions.of(
        {"tags": ["a", "b"], "max_workers": 2, "schedule_on": False, "emit_events": True,
         "flow_args": ["--production"]}
    )  # fmt: skip
    assert given.create_args() == [
        "--tag=a", "--tag=b", "--max-workers=2", "--no-schedule", "--emit-events"
    ]  # fmt: skip
    listed: Any = ["a", "b"]
    assert FlowOptions(tags=listed).create_args() == ["--tag=a", "--tag=b"]
    assert FlowOptions(max_workers=3).over(given).max_workers == 3
    assert FlowOptions(max_workers=3).over(given).tags == ("a", "b")
    back = FlowOptions.of({"schedule_on": True, "tags": [], "max_workers": None}).over(given)
    assert (back.schedule_on, back.tags, back.max_workers) == (True, (), None)
    assert back.emit_events
    with pytest.raises(DagsterDeployError, match="no option \\*max_worker\\*"):
        FlowOptions.of({"max_worker": 2})
