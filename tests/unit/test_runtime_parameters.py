"""Values as arguments of ``init``: by table, and through real ``init`` processes."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from metaflow.datastore import FlowDataStore
from metaflow.plugins import DATASTORES

from metaflow_extensions.dagster.driver.command import long_command
from metaflow_extensions.dagster.driver.parameters import parameter_arguments

FLOW = """
from metaflow import FlowSpec, IncludeFile, JSONType, Parameter, step
from metaflow._vendor import click


class KindsFlow(FlowSpec):
    text = Parameter("text", default="a")
    Mixed_Case = Parameter("Mixed-Case", type=int, default=1)
    keyword = Parameter("class", default=0.5)
    switch = Parameter("switch", type=bool, default=True)
    data = Parameter("data", type=JSONType, default={"a": 1})
    words = Parameter("words", separator=",", default="a,b")
    many = Parameter("many", multiple=True, type=int, default=[1])
    jsons = Parameter("jsons", multiple=True, type=JSONType)
    pair = Parameter("pair", nargs=2, type=float, default=(1.0, 2.0))
    pairs = Parameter("pairs", nargs=2, multiple=True, type=str)
    flag = Parameter("flag", is_flag=True, default=True)
    count = Parameter("count", count=True, default=1)
    listed = Parameter("listed", default=[1, "b"])
    nothing = Parameter("nothing")
    computed = Parameter("computed", default=lambda context: "computed")
    file = IncludeFile("file")

    @step
    def start(self):
        self.next(self.end)

    @step
    def end(self):
        pass


if __name__ == "__main__":
    KindsFlow()
"""
KINDS = {
    "text": "str",
    "Mixed-Case": "int",
    "class": "float",
    "switch": "bool",
    "data": "json",
    "words": "str",
    "many": "list[int]!",
    "jsons": "list[json]",
    "pair": "tuple[float]",
    "pairs": "list[tuple[str]]",
    "flag": "flag",
    "count": "count",
    "listed": 'fixed:[1, "b"]',
    "nothing": "str",
    "computed": "str",
    "file": "file",
}
DEFAULTS = {
    "text": "a",
    "Mixed_Case": 1,
    "keyword": 0.5,
    "switch": True,
    "data": {"a": 1},
    "words": ["a", "b"],
    "many": (1,),
    "jsons": (),
    "pair": (1.0, 2.0),
    "pairs": (),
    "flag": True,
    "count": 1,
    "listed": [1, "b"],
    "nothing": None,
    "computed": None,
    "file": None,
}


@pytest.fixture
def run_init(tmp_path):
    """Run ``init`` with parameter values; returns the artifacts of the ``_parameters`` task."""
    flow = tmp_path / "kinds_flow.py"
    flow.write_text(FLOW)
    root = str(tmp_path / ".metaflow")

    def run(values):
        args, extra = parameter_arguments(values, KINDS)
        cmd = [sys.executable, str(flow), "--quiet", "--no-pylint", "--metadata=local"]
        cmd += ["--datastore=local", f"--datastore-root={root}"]
        cmd += ["init", "--run-id", "run-1", "--task-id", "params", *args]
        env = {**os.environ, "USER": "tester", "METAFLOW_USER": "tester", **extra}
        env["METAFLOW_DATASTORE_SYSROOT_LOCAL"] = str(tmp_path)
        done = subprocess.run(
            long_command(cmd, str(tmp_path)),
            cwd=tmp_path,
            env=env,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr
        storage = next(impl for impl in DATASTORES if impl.TYPE == "local")
        store = FlowDataStore("KindsFlow", None, storage_impl=storage, ds_root=root)
        task = store.get_task_datastore("run-1", "_parameters", "params")
        return {name: task[name] for name in DEFAULTS}

    return run


def test_nothing_given_leaves_the_defaults_to_metaflow(run_init):
    assert run_init(dict.fromkeys(KINDS)) == DEFAULTS


def test_every_kind_arrives(run_init, tmp_path):
    (tmp_path / "words.txt").write_text("grüße\n", encoding="utf-8")
    values = {
        "text": '--it\'s "$HOME"\n`date` \\ =ß漢\t*',
        "Mixed-Case": -(10**30),
        "class": 1e-300,
        "switch": False,
        "data": {"b": ["ß", None, 1.5], "a": {"x": True}},
        "words": "x, y",
        "many": [3, -1],
        "jsons": [{"a": 1}, "[2]", 3],
        "pair": [-1.5, 2],
        "pairs": [["--a", "b c"], ["", "d"]],
        "flag": False,
        "count": 4,
        "listed": [1, "b"],
        "nothing": "",
        "computed": "computed",
        "file": str(tmp_path / "words.txt"),
    }
    artifacts = run_init(values)
    file = artifacts.pop("file")
    assert artifacts == {
        "text": values["text"],
        "Mixed_Case": -(10**30),
        "keyword": 1e-300,
        "switch": False,
        "data": values["data"],
        "words": ["x", " y"],
        "many": (3, -1),
        "jsons": ({"a": 1}, [2], 3),
        "pair": (-1.5, 2.0),
        "pairs": (("--a", "b c"), ("", "d")),
        "flag": False,
        "count": 4,
        "listed": [1, "b"],
        "nothing": "",
        "computed": "computed",
    }
    assert list(artifacts["data"]) == ["b", "a"]
    assert file.decode("file") == "grüße\n"
    # A descriptor, such as an uploaded default, is as good as a path.
    again = run_init({"file": json.dumps(file.descriptor)})
    assert again["file"].decode("file") == "grüße\n"


LONG = {
    "100 KB": "x" * 100_000,
    "100,000 characters of three bytes": "漢" * 100_000,
    "2 MB": "x" * 2_000_000,
    "a NUL": "a\0b",
    "a lone surrogate": "a\ud800b",
}


@pytest.mark.parametrize("case", LONG)
def test_any_text_arrives(run_init, case):
    text = LONG[case]
    if case == "a lone surrogate":
        artifacts = run_init({"data": {"text": text}})
        assert artifacts["data"] == {"text": text}
    else:
        assert run_init({"text": text, "data": [text]})["text"] == text


WRONG = {
    "text for int": ("Mixed-Case", "3", "takes a whole number"),
    "float for int": ("Mixed-Case", 3.0, "takes a whole number"),
    "bool for int": ("Mixed-Case", True, "takes a whole number"),
    "text for float": ("class", "3", "takes a number"),
    "bool for float": ("class", False, "takes a number"),
    "int for bool": ("switch", 1, "takes true or false"),
    "int for flag": ("flag", 1, "takes true or false"),
    "int for text": ("text", 1, "takes text"),
    "data for file": ("file", {"a": 1}, "takes text"),
    "no JSON": ("data", "{", "takes JSON"),
    "an object as JSON": ("data", {"a": object()}, "takes JSON"),
    "text for list": ("many", "12", "takes a list"),
    "text in a list": ("many", [1, "2"], "takes a whole number"),
    "no values where there is a default": ("many", [], "takes at least one value"),
    "one value for several": ("pair", 1.0, "takes a list of values"),
    "other than the only value": ("listed", [2], "keeps its default"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_types_name_the_parameter(case):
    name, value, says = WRONG[case]
    with pytest.raises(TypeError, match=f"Parameter '{name}' {says}"):
        parameter_arguments({name: value}, KINDS)


def test_arguments():
    values = {"text": "a b", "Mixed-Case": 2, "many": [1, 2], "flag": True, "nothing": None}
    assert parameter_arguments(values, KINDS) == (
        ["--text=a b", "--Mixed-Case=2", "--many=1", "--many=2"],
        {"METAFLOW_INIT_FLAG": "True"},
    )


def test_short_commands_stay_as_they_are(tmp_path):
    cmd = [sys.executable, "flow.py", "init", "--text=" + "x" * (128 * 1024 - 8)]
    assert long_command(cmd, str(tmp_path)) is cmd
    assert long_command([*cmd, "--text=" + "x" * (128 * 1024 - 7)], str(tmp_path)) != cmd
    assert long_command([*cmd, *["x" * 1000] * 500], str(tmp_path)) != cmd


def testlong_commands_run_as_the_file_itself(tmp_path):
    (tmp_path / "beside.py").write_text("WORD = 'imported'")
    script = tmp_path / "script.py"
    script.write_text(
        "import sys, beside, inspect\n"
        "class Here: pass\n"
        "print(__name__, __file__, sys.argv[0], len(sys.argv[1]), beside.WORD)\n"
        "print(inspect.getsource(Here), sys.modules['__main__'].Here is Here)\n"
    )
    cmd = long_command([sys.executable, str(script), "x" * 200_000], str(tmp_path))
    done = subprocess.run(cmd, capture_output=True, text=True, cwd=Path(__file__).parent)
    assert done.stdout.split() == [
        *("__main__", str(script), str(script), "200000", "imported"),
        *("class", "Here:", "pass", "True"),
    ]
