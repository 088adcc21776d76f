"""Options that several commands have."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .._metaflow_internals import click

Command = Callable[..., Any]


def as_json(command: Command) -> Command:
    option = click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")
    return option(command)
