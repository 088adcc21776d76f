"""Deployed flows and their runs, as Metaflow's Deployer API hands them out.

Imported at Metaflow's registration for its stubs, so Dagster is imported inside functions only.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
import time
import weakref
from collections.abc import Iterator
from typing import Any, ClassVar

from metaflow.client.core import get_metadata
from metaflow.exception import MetaflowException
from metaflow.runner.deployer import DeployedFlow, Deployer, TriggeredRun
from metaflow.runner.utils import get_lower_level_group, handle_timeout, temporary_fifo

from ..deploy.registry import Deployment, Registry
from ..errors import DagsterRunError
from ..targets.choose import choose_target, target_at
from ..targets.runs import UNFINISHED, RunInfo
from .stub_flow import flow_file_text


class DagsterTriggeredRun(TriggeredRun):
    """A run of a job that was triggered on Dagster."""

    def __init__(self, deployer: Any, content: str) -> None:
        super().__init__(deployer=deployer, content=content)
        facts = json.loads(content)
        self.dagster_run_id: str | None = facts.get("dagster_run_id")
        self._address: dict[str, Any] | None = facts.get("target")

    def __repr__(self) -> str:
        return f"DagsterTriggeredRun({self.pathspec!r})"

    def terminate(self, **kwargs: Any) -> bool:
        """
        Stop the run and the tasks that it is running.

        Parameters
        ----------
        authorize : str, optional, default None
            Production token of the job.

        Returns
        -------
        bool
            True if the run has been stopped.
        """
        env = dict(self.deployer.env_vars)
        if self._address and "url" in self._address:
            kwargs.setdefault("url", self._address["url"])
        elif self._address and not self._address["embedded"]:
            env["DAGSTER_HOME"] = self._address["home"]
        command = _command(self.deployer).terminate(run_id=self._run_id, **kwargs)
        return _succeeds(self.deployer, command, env)

    def wait_for_completion(self, check_interval: int = 5, timeout: int | None = None) -> None:
        """
        Wait until the run has ended, in whatever way.

        Parameters
        ----------
        check_interval : int, default 5
            Seconds between two looks at the run.
        timeout : int, optional, default None
            Seconds to wait at most. None waits for as long as it takes.

        Raises
        ------
        TimeoutError
            If the run has not ended in time.
        """
        begun = time.monotonic()
        while self.is_running:
            left = None if timeout is None else begun + timeout - time.monotonic()
            if left is not None and left <= 0:
                raise TimeoutError(f"Run {self.pathspec} did not end within {timeout} seconds.")
            time.sleep(check_interval if left is None else min(check_interval, left))

    @property
    def is_running(self) -> bool:
        """Whether the run is waiting to start, or is on."""
        return self.status in UNFINISHED

    @property
    def status(self) -> str | None:
        """
        How the run stands.

        Returns
        -------
        str, optional
            `Pending`, `Running`, `Succeeded`, `Failed` or `Terminated`; None if Dagster does not
            know the run.
        """
        run = self._info()
        return run.status if run else None

    @property
    def dagster_ui(self) -> str | None:
        """The run in Dagster's UI: its URL, or the command that shows it."""
        run = self._info()
        return self._target.how_to_open(run) if run else None

    @property
    def _run_id(self) -> str:
        return self.pathspec.split("/")[1]

    def _info(self) -> RunInfo | None:
        return self._target.find(self.deployer.name, self._run_id)

    @property
    def _target(self) -> Any:
        """Where the run went; for one that was found by its id, where this process would look."""
        return target_at(self._address) if self._address else choose_target(None)


class DagsterDeployedFlow(DeployedFlow):
    """A flow that is deployed to Dagster as a job."""

    TYPE: ClassVar[str | None] = "dagster"
    _has_source = True

    def __repr__(self) -> str:
        return f"DagsterDeployedFlow({self.deployer.name!r}, flow={self.deployer.flow_name!r})"

    @classmethod
    def list_deployed_flows(cls, flow_name: str | None = None) -> Iterator[DagsterDeployedFlow]:
        """
        All deployed flows of the configured datastore.

        Parameters
        ----------
        flow_name : str, optional, default None
            Only deployments of this flow.

        Yields
        ------
        DagsterDeployedFlow
            Deployed flows, by the names of their jobs.
        """
        for deployment in Registry.default().all():
            if flow_name in (None, deployment.flow_name):
                yield cls._of(deployment, None)

    @classmethod
    def from_deployment(cls, identifier: str, metadata: str | None = None) -> DagsterDeployedFlow:
        """
        The deployed flow of a job.

        Parameters
        ----------
        identifier : str
            Name of the job, or of a project's flow as Metaflow has it (`project.branch.Flow`).
        metadata : str, optional, default None
            Metadata service of its runs, as `get_metadata()` names it.

        Returns
        -------
        DagsterDeployedFlow
            The deployed flow; the flow's source need not be here.
        """
        from ..plan.names import job_name_of

        registry = Registry.default()
        name = job_name_of(identifier) if "." in identifier else identifier
        deployment = registry.get(name)
        if deployment is None:
            names = ", ".join(known.name for known in registry.all())
            raise MetaflowException(
                f"No deployed flow found for: {identifier}. "
                + (f"Deployed are: {names}." if names else "Nothing is deployed in this datastore.")
            )
        return cls._of(deployment, metadata)

    @classmethod
    def get_triggered_run(
        cls, identifier: str, run_id: str, metadata: str | None = None
    ) -> DagsterTriggeredRun:
        """
        A run of a job.

        Parameters
        ----------
        identifier : str
            Name of the job.
        run_id : str
            Metaflow run id.
        metadata : str, optional, default None
            Metadata service of the run, as `get_metadata()` names it.

        Returns
        -------
        DagsterTriggeredRun
            The run.
        """
        flow = cls.from_deployment(identifier, metadata)
        content = {
            "metadata": flow.deployer.metadata,
            "pathspec": f"{flow.deployer.flow_name}/{run_id}",
            "name": run_id,
            "target": Registry.default().run_address(flow.deployer.name, run_id),
        }
        return DagsterTriggeredRun(deployer=flow.deployer, content=json.dumps(content))

    @property
    def production_token(self) -> str | None:
        """The job's production token; None if it has none, or is not deployed any more."""
        deployment = Registry.default().get(self.deployer.name)
        return deployment.production_token if deployment else None

    def delete(self, **kwargs: Any) -> bool:
        """
        Remove the job. Its runs stay.

        Parameters
        ----------
        authorize : str, optional, default None
            Production token of the job.

        Returns
        -------
        bool
            True if the job is no longer deployed.
        """
        return _succeeds(self.deployer, _command(self.deployer).delete(**kwargs))

    def trigger(self, **kwargs: Any) -> DagsterTriggeredRun:
        """
        Start a run.

        Parameters
        ----------
        **kwargs : Any
            Parameters of the flow, and options of `dagster trigger`: `tags`, `run_id_file`, `url`.

        Returns
        -------
        DagsterTriggeredRun
            The run, which goes on by itself.
        """
        return self._start("trigger", kwargs)

    def run(self, **kwargs: Any) -> DagsterTriggeredRun:
        """Start a run: another name of `trigger`."""
        return self.trigger(**kwargs)

    def resume(
        self, origin_run_id: str, step_to_rerun: str | None = None, **kwargs: Any
    ) -> DagsterTriggeredRun:
        """
        Start a run that reuses the finished tasks of another one.

        Parameters
        ----------
        origin_run_id : str
            The Metaflow run to continue from.
        step_to_rerun : str, optional, default None
            Run everything from this step on again.
        **kwargs : Any
            Parameters of the flow to give anew, and options of `dagster resume`. A flow that was
            found by the name of its job is resumed as it was deployed.

        Returns
        -------
        DagsterTriggeredRun
            The run, which goes on by itself.
        """
        kwargs["origin_run_id"] = origin_run_id
        if step_to_rerun is not None:
            kwargs["step_to_rerun"] = step_to_rerun
        if not self._has_source:
            kwargs["as_deployed"] = True
        return self._start("resume", kwargs)

    def _start(self, command_name: str, kwargs: dict[str, Any]) -> DagsterTriggeredRun:
        deployer = self.deployer
        with temporary_fifo() as (attribute_path, attribute_fd):
            command = getattr(_command(deployer), command_name)(
                deployer_attribute_file=attribute_path, **kwargs
            )
            pid = deployer.spm.run_command(
                [sys.executable, *command],
                env=deployer.env_vars,
                cwd=deployer.cwd,
                show_output=deployer.show_output,
            )
            process: Any = deployer.spm.get(pid)
            content = handle_timeout(attribute_fd, process, deployer.file_read_timeout)
            process.sync_wait()
            if process.process.returncode == 0:
                return DagsterTriggeredRun(deployer=deployer, content=content)
        raise DagsterRunError(
            f"Error in {command_name} of {deployer.name} on {deployer.TYPE} for "
            f"{deployer.flow_file}"
        )

    @classmethod
    def _of(cls, deployment: Deployment, metadata: str | None) -> DagsterDeployedFlow:
        """A deployed flow with a stand-in for its source, which knows its parameters."""
        options: dict[str, Any] = {}
        branch = deployment.branch or ""
        if branch == "prod" or branch.startswith("prod."):
            options["production"] = True
        if branch.startswith(("prod.", "test.")):
            options["branch"] = branch.split(".", 1)[1]
        # A folder of its own: what lies beside a flow counts as its code.
        folder = tempfile.mkdtemp(prefix="metaflow-dagster-")
        path = os.path.join(folder, "flow.py")
        with open(path, "w", encoding="utf-8") as file:
            file.write(flow_file_text(deployment))
        factory: Any = Deployer(path, env={"METAFLOW_USER": deployment.user}, **options)
        deployer = factory.dagster(name=deployment.name)
        # What the flow has started refers to the deployer too.
        weakref.finalize(deployer, shutil.rmtree, folder, ignore_errors=True)
        deployer.name = deployment.name
        deployer.flow_name = deployment.flow_name
        deployer.metadata = metadata or get_metadata()
        flow = cls(deployer=deployer)
        flow._has_source = False
        return flow


def _command(deployer: Any) -> Any:
    """The ``dagster`` group of the flow's command line, without the name where it is implied."""
    kwargs = {**deployer.deployer_kwargs, "name": deployer.name}
    return get_lower_level_group(deployer.api, deployer.top_level_kwargs, deployer.TYPE, kwargs)


def _succeeds(deployer: Any, command: list[str], env: dict[str, str] | None = None) -> bool:
    pid = deployer.spm.run_command(
        [sys.executable, *command],
        env=env or deployer.env_vars,
        cwd=deployer.cwd,
        show_output=deployer.show_output,
    )
    process: Any = deployer.spm.get(pid)
    process.sync_wait()
    return process.process.returncode == 0
