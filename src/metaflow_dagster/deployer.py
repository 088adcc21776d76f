"""Metaflow's Deployer for Dagster, in a form that type checkers know."""

from __future__ import annotations

from typing import Any

from metaflow import Deployer

from metaflow_extensions.dagster.deployer.dagster_deployer import DagsterDeployer


def dagster_deployer(
    flow_file: str,
    *,
    name: str | None = None,
    show_output: bool = True,
    profile: str | None = None,
    env: dict[str, str] | None = None,
    cwd: str | None = None,
    file_read_timeout: int = 3600,
    **flow_options: Any,
) -> DagsterDeployer:
    """``Deployer(flow_file, ...).dagster(name=name)``.

    Metaflow adds the method ``dagster`` to its Deployer while it is loaded, which no type checker
    can see; the object is the same.

    Args:
        flow_file: The flow's source.
        name: The Dagster job; None is the flow's own name.
        show_output: Whether commands print what they say.
        profile: Metaflow's profile.
        env: Variables of the environment, beside those of this process.
        cwd: Where commands are run; None is the working directory.
        file_read_timeout: Seconds to wait for a command's answer at most.
        flow_options: Options of the flow itself, such as ``production=True`` or ``branch="x"``.
    """
    deployer: Any = Deployer(
        flow_file,
        show_output=show_output,
        profile=profile,
        env=env,
        cwd=cwd,
        file_read_timeout=file_read_timeout,
        **flow_options,
    )
    return deployer.dagster(name=name)
