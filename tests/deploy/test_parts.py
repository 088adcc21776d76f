"""Parts of the deploy and cli packages that need no run."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import pytest
from metaflow import Deployer
from metaflow.plugins.datastores.local_storage import LocalStorage

from metaflow_extensions.dagster._metaflow_internals import click
from metaflow_extensions.dagster.cli.flow_options import FlowCommand, own_value
from metaflow_extensions.dagster.contract import _make_run_id
from metaflow_extensions.dagster.deploy.registry import Deployment, Registry
from metaflow_extensions.dagster.deploy.tokens import check_token, resolve_token
from metaflow_extensions.dagster.deployer.stub_flow import flow_file_text
from metaflow_extensions.dagster.errors import DagsterRunError
from metaflow_extensions.dagster.targets.run_locks import hold_run_lock, process_of, remove_stale

DEPLOYMENT = Deployment("Job", "Flow", "/defs.py", user="ada", production_token="flow-0-abcd")


def test_registry_keeps_forgets_and_lists(tmp_path):
    registry = Registry(LocalStorage(str(tmp_path)))
    assert registry.get("Job") is None
    assert list(registry.all()) == []
    registry.save(DEPLOYMENT)
    registry.save(Deployment("Another", "Flow", "/other.py", user="ada"))
    assert registry.get("Job") == DEPLOYMENT
    assert [d.name for d in registry.all()] == ["Another", "Job"]
    registry.delete("Job")
    assert registry.get("Job") is None
    assert [d.name for d in registry.all()] == ["Another"]


@pytest.fixture
def as_user(monkeypatch, tmp_path):
    monkeypatch.setenv("METAFLOW_HOME", str(tmp_path))
    name = "metaflow_extensions.dagster.deploy.tokens.user_name"
    return lambda user: monkeypatch.setattr(name, lambda: user)


def resolve(previous, **options):
    arguments = {
        "project": "p",
        "branch": "prod",
        "is_production": True,
        "authorize": None,
        "given": None,
        "generate": False,
        "echo": lambda text: None,
    }
    return resolve_token("Job", previous, **{**arguments, **options})


def test_production_branches_get_a_token_and_keep_it(as_user):
    as_user("ada")
    token = resolve(None)
    assert token is not None
    assert token.startswith("mfprj-")
    previous = Deployment("Job", "Flow", "", "ada", "p", "prod", token)
    assert resolve(previous) == token
    assert resolve(previous, generate=True) != token
    assert resolve(None, is_production=False) is None
    with pytest.raises(DagsterRunError, match="not for projects"):
        resolve(None, given="mine")
    assert resolve(None, given="production:mine", project=None) == "mine"


def test_others_must_show_the_token(as_user):
    as_user("bob")
    with pytest.raises(DagsterRunError, match="deployed by the user \\*ada\\*"):
        check_token(DEPLOYMENT, None, "delete")
    with pytest.raises(DagsterRunError, match="--authorize TOKEN"):
        check_token(DEPLOYMENT, "wrong", "delete")
    check_token(DEPLOYMENT, "production:flow-0-abcd", "delete")
    as_user("ada")
    check_token(DEPLOYMENT, None, "delete")


def test_options_make_way_for_parameters_of_the_same_name():
    command = FlowCommand(
        "trigger",
        params=[click.Option(["--tag", "tags"]), click.Option(["--wait"], is_flag=True)],
        callback=lambda **values: values,
        demands=False,
    )
    command.params.insert(0, click.Option(["--tag"], required=True, default="x"))
    values = command.main(["--tag", "mine", "--dagster-tag", "ours"], standalone_mode=False)
    assert values["tag"] == "mine"
    assert own_value(values, "tags") == "ours"
    assert own_value(values, "wait") is False
    assert command.main([], standalone_mode=False)["tag"] is None


def test_a_dead_process_is_told_from_a_living_one(tmp_path):
    home = str(tmp_path)
    assert process_of(home, "r") is None
    code = (
        "import sys, time\n"
        "from metaflow_extensions.dagster.targets.run_locks import hold_run_lock\n"
        f"with hold_run_lock({home!r}, 'r'):\n    print('on', flush=True)\n    time.sleep(60)"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    assert process_of(home, "r") == process.pid
    process.kill()
    process.communicate()
    assert process_of(home, "r") == 0
    remove_stale(home, "r")
    with hold_run_lock(home, "r"):
        pass
    assert process_of(home, "r") is None


def test_stand_in_for_a_flow_survives_quotes(tmp_path):
    parameter = {
        "name": "max-n",
        "python_var_name": "max_n",
        "type": "int",
        "description": "it's \"'''quoted'''\"\nand long",
        "is_required": True,
        "multiple": True,
    }
    text = flow_file_text(
        Deployment("Job", "Flow", "", "ada", "p", "prod", parameters={"max-n": parameter})
    )
    flow = tmp_path / "fake_flow.py"
    flow.write_text(text)
    deployer: Any = Deployer(str(flow))  # Metaflow adds one method for each scheduler
    assert deployer.dagster(name="Job").TYPE == "dagster"
    assert "@project(name='p')" in text


def test_metaflow_run_id_follows_the_specification():
    assert _make_run_id("a") == "dagster-86f7e437faa5"


def test_nothing_at_registration_imports_dagster():
    code = (
        "import sys, metaflow, metaflow.plugins\n"
        "assert 'dagster' not in sys.modules\nassert 'sqlalchemy' not in sys.modules"
    )
    env = {**os.environ, "USER": "tester"}
    subprocess.run([sys.executable, "-c", code], check=True, env=env)
