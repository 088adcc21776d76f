"""What a step says of itself in Dagster: artifacts, its item of a foreach, why it failed."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from dagster import DagsterEventType, DagsterInstance, MetadataValue
from support.project import Project

FLOW = """
import os
from metaflow import FlowSpec, Parameter, step

class Regions(FlowSpec):
    alpha = Parameter("alpha", default=0.5)
    LIMIT = 4

    @step
    def start(self):
        self.regions = ["region-00", "region-01"]
        self.huge = 2 ** 60
        self.next(self.years, foreach="regions")

    @step
    def years(self):
        self.years_of = [2020, 2021]
        self.next(self.measure, foreach="years_of")

    @step
    def measure(self):
        if self.input == 2021 and not os.path.exists("mended"):
            raise ValueError("no data")
        print("measuring")
        self.score = self.alpha * self.input
        self.next(self.join_years)

    @step
    def join_years(self, inputs):
        self.next(self.join)

    @step
    def join(self, inputs):
        self.count = len(list(inputs))
        self.is_good = True
        self.nothing = None
        self.settings = {"depth": [1, 2.5]}
        self.undefined = float("nan")
        self.large = list(range(1000))
        self.api_token = "hidden"
        self.next(self.end)

    @step
    def end(self):
        pass

if __name__ == "__main__":
    Regions()
"""


@pytest.fixture(scope="module")
def commands() -> list[dict[str, str]]:
    """Of the same runs, by step key, the line of the log with which the task begins."""
    return []


@pytest.fixture(scope="module")
def runs(
    tmp_path_factory: pytest.TempPathFactory, commands: list[dict[str, str]]
) -> list[dict[str, Any]]:
    """A failed run, and the run that the failure's own command resumes it with: by step key, the
    metadata of each output or failure."""
    project = Project(tmp_path_factory.mktemp("regions"))
    project.deploy(FLOW)
    assert project.execute("Regions", check=False).returncode != 0
    failed = metadata_of_last_run(project)
    commands.append(commands_of_last_run(project))
    (project.folder / "mended").touch()
    command = failed["op_measure[1_1]"]["resume"].value.splitlines()[1]
    project.run(*shlex.split(command), "--wait")
    commands.append(commands_of_last_run(project))
    return [failed, metadata_of_last_run(project)]


def commands_of_last_run(project: Project) -> dict[str, str]:
    with DagsterInstance.from_config(project.env["DAGSTER_HOME"]) as instance:
        (record,) = instance.get_run_records(limit=1)
        logs = instance.all_logs(record.dagster_run.run_id)
        return {
            entry.step_key or "": entry.user_message
            for entry in logs
            if " step " in entry.user_message and "$ " in entry.user_message
        }


def metadata_of_last_run(project: Project) -> dict[str, dict[str, MetadataValue[Any]]]:
    found = {}
    with DagsterInstance.from_config(project.env["DAGSTER_HOME"]) as instance:
        (record,) = instance.get_run_records(limit=1)
        for entry in instance.all_logs(record.dagster_run.run_id):
            event = entry.dagster_event
            if event is None or event.step_key is None:
                continue
            if event.event_type is DagsterEventType.STEP_OUTPUT:
                found.setdefault(event.step_key, {}).update(event.step_output_data.metadata)
            elif event.event_type is DagsterEventType.STEP_FAILURE:
                assert event.step_failure_data.user_failure_data is not None
                found[event.step_key] = event.step_failure_data.user_failure_data.metadata
    return found


def test_a_task_of_a_foreach_says_what_it_is_for(runs: list[dict[str, Any]]) -> None:
    for run in runs:
        assert run["op_years[1]"]["foreach item"].value == "region-01"
        assert run["op_measure[0_1]"]["foreach item"].value == "region-00 / 2021"
        assert "foreach item" not in run["op_start"]
    assert runs[1]["op_join_years[1]"]["foreach item"].value == "region-01"


def test_the_log_says_it_before_the_task_runs(
    runs: list[dict[str, Any]], commands: list[dict[str, str]]
) -> None:
    for of_run in commands:  # the tasks of the second one follow clones
        assert of_run["op_measure[1_1]"].startswith("region-01 / 2021\n$ ")
    assert commands[0]["op_years[1]"].startswith("region-01\n$ ")
    assert commands[1]["op_join_years[1]"].startswith("region-01\n$ ")
    assert commands[1]["op_join"].startswith("$ ")


def test_only_the_step_that_opens_a_foreach_says_which_key_is_which_item(
    runs: list[dict[str, Any]],
) -> None:
    opens = {"op_start", "op_years[0]", "op_years[1]"}
    for run in runs:  # Metaflow hands the values on, all of them to each task that follows
        assert {key for key, shown in run.items() if "foreach items" in shown} <= opens
    assert runs[0]["op_start"]["foreach items"].value == {"0": "region-00", "1": "region-01"}
    assert runs[0]["op_years[1]"]["foreach items"].value == {"1_0": "2020", "1_1": "2021"}


def test_small_artifacts_are_values(runs: list[dict[str, Any]]) -> None:
    join = runs[1]["op_join"]
    shown = {name: join[name] for name in ("count", "is_good", "nothing", "settings", "undefined")}
    assert shown == {
        "count": MetadataValue.int(2),
        "is_good": MetadataValue.bool(True),
        "nothing": MetadataValue.null(),
        "settings": MetadataValue.json({"depth": [1, 2.5]}),
        "undefined": MetadataValue.text("nan"),
    }
    assert runs[1]["op_measure[0_0]"]["score"] == MetadataValue.float(1010.0)
    # JSON's numbers are not exact up there.
    assert runs[0]["op_start"]["huge"] == MetadataValue.text(str(2**60))


def test_of_other_artifacts_type_and_size_are_shown(runs: list[dict[str, Any]]) -> None:
    join, end = runs[1]["op_join"], runs[1]["op_end"]
    assert join["large"].value.startswith("list, ")
    assert join["large"].value.endswith(" bytes")
    assert join["api_token"].value.startswith("str, ")
    # The last step shows all that the flow leaves.
    assert end["count"] == MetadataValue.int(2)
    assert end["api_token"].value.startswith("str, ")
    # One that only passes through is not loaded.
    assert runs[0]["op_years[0]"]["regions"].value.startswith("list, ")


def test_results_are_read_by_anybody_anywhere(runs: list[dict[str, Any]], tmp_path: Path) -> None:
    fence, *lines, _ = runs[1]["op_join"]["retrieve"].value.splitlines()
    assert fence == "```python"
    (tmp_path / "read.py").write_text("\n".join(lines))
    env = {n: v for n, v in os.environ.items() if not n.startswith("METAFLOW_")}
    env |= {"USER": "somebody", "METAFLOW_HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "read.py"], cwd=tmp_path, env=env, capture_output=True, text=True
    )
    assert "count 2\n" in done.stdout, done.stderr
    assert "settings {'depth': [1, 2.5]}\n" in done.stdout


def test_what_each_task_of_a_run_has_is_not_repeated(runs: list[dict[str, Any]]) -> None:
    for metadata in runs[1].values():
        assert not {"alpha", "LIMIT", "name"} & set(metadata)


def test_a_failure_says_what_to_look_at(runs: list[dict[str, Any]]) -> None:
    failure = runs[0]["op_measure[1_1]"]
    assert failure["metaflow task"].value.endswith("/measure/measure-1-1")
    assert failure["attempt"].value == 0
    assert failure["foreach item"].value == "region-01 / 2021"
    assert "ValueError: no data" in failure["end of stderr"].value


def test_links_open_the_streams_that_have_text(runs: list[dict[str, Any]]) -> None:
    failure, measured = runs[0]["op_measure[1_1]"], runs[0]["op_measure[0_0]"]
    opened = "&selection=name%3A%22op_measure%5B0_0%5D%22"
    assert measured["log stdout"] == MetadataValue.url(f"?logType=stdout{opened}")
    assert "log stderr" not in measured
    assert "log stdout" not in failure
    assert failure["log stderr"].value.startswith("?logType=stderr&")
    assert not {"log stdout", "log stderr"} & set(runs[0]["op_start"])


def test_the_command_of_a_failure_resumes_the_run(runs: list[dict[str, Any]]) -> None:
    assert runs[1]["op_years[0]"]["cloned from"].value.endswith("/years/years-0")
    assert "cloned from" not in runs[1]["op_measure[1_1]"]
