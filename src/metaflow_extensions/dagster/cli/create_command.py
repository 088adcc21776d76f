"""The command ``dagster create`` and its options."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._metaflow_internals import click
from ..errors import DagsterDeployError
from .common_options import as_json

if TYPE_CHECKING:
    from .._metaflow_internals.types import CliState


def positive(_: Any, option: Any, value: int | None) -> int | None:
    """Refuses what is not a number of things. A click.IntRange would do, but Metaflow's Deployer
    takes only options of plain types (metaflow/runner/click_api.py)."""
    if value is not None and value < 1:
        raise click.BadParameter(f"{value} is less than 1", param=option)
    return value


@click.command(
    "create",
    help="""Compile this flow into a Dagster definitions file.

    FILE holds one job with an op for each step; load it with `dagster dev -f FILE`. Without FILE,
    the file is named after the job. Options of the flow itself (--datastore, --metadata,
    --environment, --with, --config, --branch ...) go before `dagster` and are fixed in FILE.
    """,
)
@click.argument("file", required=False, type=click.Path())
@click.option("--name", help="Name of the Dagster job.  [default: the flow's name]")
@click.option(
    "--tag", "tags", multiple=True, help="Tag every run and task of this deployment. Repeatable."
)
@click.option(
    "--with",
    "decospecs",
    multiple=True,
    help="Add a decorator to all steps, such as retry or resources:memory=8000. Repeatable.",
)
@click.option("--namespace", help="Metaflow namespace that steps run in.  [default: your own]")
@click.option(
    "--workflow-timeout",
    type=int,
    callback=positive,
    metavar="SECONDS",
    help="End the run after this time. Enforced by the steps themselves, daemon or not.",
)
@click.option(
    "--max-workers",
    type=int,
    callback=positive,
    help="How many tasks of a run may be running at the same time.  [default: 16; other executors "
    "than auto and multiprocess have their own]",
)
@click.option(
    "--executor",
    default="auto",
    show_default=True,
    metavar="KIND",
    help="auto: metaflow-dagster's own where it is installed, else multiprocess. multiprocess, "
    "in_process: Dagster's. inherit: the executor of the code location that the file is loaded "
    "into. MODULE:NAME: any executor definition, such as dagster_celery:celery_executor.",
)
@click.option(
    "--executor-config",
    metavar="CONFIG",
    help="What the executor is configured with: JSON, or a YAML or JSON file.  [default: what the "
    "run config says]",
)
@click.option(
    "--image",
    help="Container image of the run and its steps, where Dagster starts containers for them.",
)
@click.option(
    "--pool",
    "pools",
    multiple=True,
    metavar="[STEP:]POOL",
    help="Dagster's pool for a step, or for all steps. Repeatable.",
)
@click.option(
    "--step-tag",
    "step_tags",
    multiple=True,
    metavar="[STEP:]KEY=VALUE",
    help="A tag of Dagster for the op of a step, or for all ops, such as dagster/priority=3 or "
    "train:dagster-celery/queue=gpu. Repeatable.",
)
@click.option(
    "--run-tag",
    "run_tags",
    multiple=True,
    metavar="KEY=VALUE",
    help="A tag of Dagster for every run, such as dagster/max_retries=2. Repeatable.",
)
@click.option(
    "--schedule/--no-schedule",
    "schedule_on",
    default=True,
    show_default=True,
    help="Whether the flow's schedule runs as soon as the file is loaded. Off, it is in the file "
    "and can be switched on in Dagster.",
)
@click.option(
    "--triggers/--no-triggers",
    "triggers_on",
    default=True,
    show_default=True,
    help="The same for the sensors of @trigger and @trigger_on_finish.",
)
@click.option(
    "--sensor-interval",
    type=int,
    default=5,
    show_default=True,
    callback=positive,
    metavar="SECONDS",
    help="How often these sensors look for what starts a run, at most.",
)
@click.option(
    "--emit-events/--no-emit-events",
    default=False,
    show_default=True,
    help="Publish an event metaflow.<flow>.<step> whenever a step succeeds, for @trigger of "
    "other flows. @trigger_on_finish does not need it.",
)
@click.option(
    "--publishes",
    multiple=True,
    metavar="EVENT",
    help="An event that the flow's code publishes (DagsterEvent), for the lineage in Dagster. "
    "Repeatable.",
)
@click.option(
    "--partition",
    metavar="PARAMETER=SPEC",
    help="Partitions whose keys set a parameter, such as day=daily:2026-01-01, "
    "hour=cron:2026-01-01:0 */6 * * * or region=keys:eu,us. Also: hourly, weekly, monthly.",
)
@click.option(
    "--scheduled-time",
    metavar="PARAMETER",
    help="The parameter that the flow's schedule sets to the time that its tick stands for.",
)
@click.option(
    "--asset-key",
    metavar="KEY",
    help="Key of the flow's asset, such as ml/churn.  [default: project/branch/flow]",
)
@click.option(
    "--upstream-asset",
    "upstream_assets",
    multiple=True,
    metavar="FLOW=KEY",
    help="Key of the asset of a flow in @trigger_on_finish that was given an --asset-key. "
    "Repeatable.",
)
@click.option("--group", metavar="NAME", help="Group of the flow's assets.  [default: default]")
@click.option(
    "--owner",
    "owners",
    multiple=True,
    metavar="OWNER",
    help="Who owns the flow in Dagster: an email address, or team:NAME. Repeatable.",
)
@click.option(
    "--asset",
    "assets",
    multiple=True,
    metavar="STEP.ARTIFACT[=KEY]",
    help="An artifact that is an asset of its own, such as train.model=models/churn. Repeatable.",
)
@click.option(
    "--asset-check",
    "asset_checks",
    multiple=True,
    metavar="STEP.ARTIFACT",
    help="A boolean artifact that is the result of a check of the flow's asset. Repeatable.",
)
@click.option(
    "--translator",
    metavar="MODULE:CLASS",
    help="A subclass of metaflow_dagster.DagsterMetaflowTranslator, which chooses names, keys, "
    "owners, groups, tags and metadata.",
)
@click.option(
    "--warm-start/--no-warm-start",
    default=True,
    show_default=True,
    help="Fork tasks from a process that has Metaflow loaded, or start a new interpreter for each.",
)
@click.option(
    "--runtime",
    type=click.Choice(["embedded", "package"]),
    default="embedded",
    show_default=True,
    help="embedded: FILE contains all that it runs. package: FILE is short and imports that from "
    "metaflow-dagster, which must be installed where the job runs, in a version that FILE names.",
)
@click.option("--force", is_flag=True, help="Overwrite FILE even if it was not generated.")
@click.option(
    "--origin-run-id",
    metavar="RUN",
    help="Make a file that resumes this Metaflow run; the job itself stays as it is deployed.",
)
@click.option("--authorize", metavar="TOKEN", help="Show the production token of the deployment.")
@click.option(
    "--generate-new-token", is_flag=True, help="Move the deployment to a new production namespace."
)
@click.option("--new-token", metavar="TOKEN", help="Use this production token from now on.")
@as_json
@click.option("--deployer-attribute-file", hidden=True, help="For the Deployer API.")
@click.pass_obj
def create(obj: CliState, **values: Any) -> None:
    # Imported here: this module is loaded with every Metaflow command of every flow.
    try:
        from ..plan.options import CreateOptions
        from .create import create_file
        from .register import TokenOptions
    except ImportError as error:
        raise DagsterDeployError(
            f"dagster create cannot be loaded: {error}. It needs dagster 1.12 or newer, and "
            "jinja2: pip install 'dagster>=1.12' 'jinja2>=3.0'"
        ) from error

    values["name"] = values["name"] or obj.dagster_job_name
    created = create_file(
        obj,
        CreateOptions.from_values(values),
        file=values["file"],
        force=values["force"],
        tokens=TokenOptions(values["authorize"], values["new_token"], values["generate_new_token"]),
        attribute_file=values["deployer_attribute_file"],
        origin_run_id=values["origin_run_id"],
    )
    if values["as_json"]:
        from .output import print_json

        print_json(obj, created.as_dict())
        return
    path = created.path
    obj.echo(f"Wrote *{path}*. Load it with: dagster dev -f {path}", fg="green", bold=True)
