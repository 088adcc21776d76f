"""``Deployer("flow.py").dagster(...)``: Metaflow's Deployer API for this scheduler.

Metaflow imports this module in every process, so what it returns is imported when asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, TypedDict

from metaflow.runner.deployer_impl import DeployerImpl

if TYPE_CHECKING:
    from collections.abc import Sequence

    from typing_extensions import Unpack

    from .dagster_deployer_objects import DagsterDeployedFlow


class CreateArguments(TypedDict, total=False):
    """What ``create`` takes, for type checkers; described there."""

    file: str | None
    tags: Sequence[str] | None
    decospecs: Sequence[str] | None
    namespace: str | None
    workflow_timeout: int | None
    max_workers: int | None
    executor: str
    executor_config: str | None
    image: str | None
    pools: Sequence[str] | None
    step_tags: Sequence[str] | None
    run_tags: Sequence[str] | None
    schedule_on: bool
    triggers_on: bool
    sensor_interval: int
    emit_events: bool
    publishes: Sequence[str] | None
    partition: str | None
    scheduled_time: str | None
    asset_key: str | None
    upstream_assets: Sequence[str] | None
    group: str | None
    owners: Sequence[str] | None
    assets: Sequence[str] | None
    asset_checks: Sequence[str] | None
    translator: str | None
    warm_start: bool
    runtime: str
    force: bool
    authorize: str | None
    generate_new_token: bool
    new_token: str | None


class DagsterDeployer(DeployerImpl):
    """
    Deployer implementation for Dagster.

    Parameters
    ----------
    name : str, optional, default None
        Name of the Dagster job. The flow's own is used if it is not given.
    """

    TYPE: ClassVar[str | None] = "dagster"

    def __init__(self, deployer_kwargs: dict[str, str], **kwargs: Any) -> None:
        self._deployer_kwargs = deployer_kwargs
        super().__init__(**kwargs)  # pyright: ignore[reportUnknownMemberType]  # env: Dict

    def __repr__(self) -> str:
        return f"DagsterDeployer({self.flow_file!r})"

    @property
    def deployer_kwargs(self) -> dict[str, Any]:
        return self._deployer_kwargs

    @staticmethod
    def deployed_flow_type() -> type[DagsterDeployedFlow]:
        from .dagster_deployer_objects import DagsterDeployedFlow

        return DagsterDeployedFlow

    def create(self, **kwargs: Unpack[CreateArguments]) -> DagsterDeployedFlow:
        """
        Compile the flow into a Dagster definitions file, and register the job.

        Parameters
        ----------
        file : str, optional, default None
            The file to write. Named after the job in the working directory if not given.
        tags : List[str], optional, default None
            Tag every run and task of this deployment.
        decospecs : List[str], optional, default None
            Decorators to add to all steps.
        namespace : str, optional, default None
            Metaflow namespace that steps run in.
        workflow_timeout : int, optional, default None
            End a run after this many seconds.
        max_workers : int, optional, default 16
            How many tasks of a run may be running at the same time.
        executor : str, optional, default "auto"
            `auto`, `multiprocess`, `in_process`, `inherit`, or `module:name` of any other.
        executor_config : str, optional, default None
            What the executor is configured with: JSON, or a YAML or JSON file.
        image : str, optional, default None
            Container image of the run and its steps.
        pools : List[str], optional, default None
            Dagster's pools, as `pool` for all steps or `step:pool`.
        step_tags : List[str], optional, default None
            Dagster's tags of ops, as `key=value` for all or `step:key=value`.
        run_tags : List[str], optional, default None
            Dagster's tags of every run, as `key=value`.
        schedule_on : bool, optional, default True
            Whether the flow's schedule runs as soon as the file is loaded.
        triggers_on : bool, optional, default True
            Whether the sensors of its triggers do.
        sensor_interval : int, optional, default 5
            How often these sensors look for what starts a run, in seconds.
        emit_events : bool, optional, default False
            Publish an event whenever a step succeeds.
        publishes : List[str], optional, default None
            Events that the flow's code publishes, for the lineage in Dagster.
        partition : str, optional, default None
            Partitions whose keys set a parameter, such as `day=daily:2026-01-01`.
        scheduled_time : str, optional, default None
            The parameter that the flow's schedule sets to the time that its tick stands for.
        asset_key : str, optional, default None
            Key of the flow's asset, with slashes. Project, branch and flow if not given.
        upstream_assets : List[str], optional, default None
            Keys of the assets of flows in `@trigger_on_finish`, as `flow=key`, where they were
            given other ones than the default.
        group : str, optional, default None
            Group of the flow's assets in Dagster.
        owners : List[str], optional, default None
            Who owns the flow in Dagster: email addresses, or `team:name`.
        assets : List[str], optional, default None
            Artifacts that are assets of their own: `step.artifact` or `step.artifact=key`.
        asset_checks : List[str], optional, default None
            Boolean artifacts that decide checks of the flow's asset: `step.artifact`.
        translator : str, optional, default None
            `module:class` of a subclass of `metaflow_dagster.DagsterMetaflowTranslator`.
        warm_start : bool, optional, default True
            Fork tasks from a process that has Metaflow loaded.
        runtime : str, optional, default "embedded"
            "package" makes a short file that imports what it runs from metaflow-dagster.
        force : bool, optional, default False
            Overwrite the file even if it was not generated.
        authorize : str, optional, default None
            Production token of the deployment, where somebody else has made it.
        generate_new_token : bool, optional, default False
            Move the deployment to a new production namespace.
        new_token : str, optional, default None
            Use this production token from now on.

        Returns
        -------
        DagsterDeployedFlow
            The flow deployed to Dagster.
        """
        from .._metaflow_internals import create_deployment
        from .dagster_deployer_objects import DagsterDeployedFlow

        return create_deployment(self, DagsterDeployedFlow, **kwargs)


_addl_stubgen_modules = ["metaflow_extensions.dagster.deployer.dagster_deployer_objects"]
