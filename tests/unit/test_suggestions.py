"""What a mistyped option may have meant."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from metaflow_extensions.dagster._metaflow_internals import click
from metaflow_extensions.dagster.cli.main import dagster


@pytest.mark.parametrize(
    ("args", "hint"),
    [
        (
            ["publish-event", "e", "--name", "x"],
            "no such option: --name. Did you mean --namespaced?",
        ),
        (["trigger", "--deployer-attribute-fil=x"], "no such option: --deployer-attribute-fil."),
    ],
    ids=["no argument", "no hidden option"],
)
def test_only_options_are_suggested_that_people_may_give(args: list[str], hint: str) -> None:
    with pytest.raises(click.NoSuchOption) as error:
        dagster.main(args, standalone_mode=False, obj=SimpleNamespace())
    assert error.value.message == hint
