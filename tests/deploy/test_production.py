"""A production branch, which its token guards, and the namespace of its runs."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from .conftest import Embedded

JOB = "shop__prod__Shop"


@pytest.fixture
def shop(embedded) -> Embedded:
    """A project that Ada has deployed to production; `defs.py` is the file."""
    project = embedded("shop", create=False)
    production(project, "create", "defs.py", USER="ada")
    return project


def production(project: Embedded, *args: str, code: int = 0, **env: str) -> str:
    home = {"METAFLOW_HOME": str(project.folder / f"home of {env['USER']}")}
    return project.flow("--production", "dagster", *args, code=code, **env, **home)


def namespace_of_latest(project: Embedded) -> str:
    namespace = project.query("Flow('Shop').latest_run.data.namespace")
    assert namespace.startswith("production:")
    return namespace


def test_runs_are_in_the_namespace_of_the_namespace_of_latest(shop):
    production(shop, "trigger", "--wait", USER="ada")
    namespace = namespace_of_latest(shop)
    script = f"""
from metaflow import Flow, namespace
namespace({namespace!r})
run = Flow("Shop").latest_run
print(sorted(t for t in run.tags if t.startswith(("production:", "project", "user:"))))
"""
    tags = shop.run(sys.executable, "-c", script).splitlines()[-1]
    assert tags == str(sorted([namespace, "project:shop", "project_branch:prod"]))


def test_others_have_to_show_the_namespace_of_latest(shop):
    production(shop, "trigger", "--wait", "--run-id-file", "run-id", USER="ada")
    run_id = (shop.folder / "run-id").read_text()
    before = (shop.folder / "defs.py").read_text()
    for command in (
        ["create", "defs.py"],
        ["resume", "--origin-run-id", run_id],
        ["terminate", run_id],
        ["delete"],
    ):
        said = production(shop, *command, USER="bob", code=1)
        assert JOB in said
        assert "deployed by the user ada" in said
        assert "--authorize" in said
    assert (shop.folder / "defs.py").read_text() == before
    production(shop, "trigger", "--wait", USER="bob")  # as under Metaflow's other schedulers


def test_who_has_shown_the_token_may_do_everything(shop):
    production(shop, "trigger", "--wait", USER="ada")
    namespace = namespace_of_latest(shop)
    bob: dict[str, Any] = {"USER": "bob"}
    production(shop, "create", "defs.py", "--authorize", "wrong", code=1, **bob)
    production(shop, "create", "defs.py", "--authorize", namespace, **bob)
    production(shop, "create", "defs.py", **bob)  # it is remembered
    production(shop, "trigger", "--wait", **bob)
    assert namespace_of_latest(shop) == namespace  # the deployment stays in its namespace
    production(shop, "delete", **bob)


def test_a_branch_of_ones_own_has_no_namespace_of_latest(shop):
    bob = {"USER": "bob", "METAFLOW_HOME": str(shop.folder / "home of bob")}
    shop.flow("dagster", "create", "bobs.py", **bob)
    shop.flow("dagster", "trigger", "--wait", **bob)
    assert shop.query("Flow('Shop').latest_run.data.namespace") == "user:bob"
    names = [row["name"] for row in shop.json("list")]
    assert names == [JOB, "shop__user__bob__Shop"]
