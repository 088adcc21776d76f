"""Assets and asset checks of the flow: what a run records of them in Dagster's event log."""

import os
import re
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

from dagster import (
    AssetCheckEvaluation,
    AssetCheckResult,
    AssetChecksDefinition,
    AssetKey,
    AssetMaterialization,
    AssetSpec,
    CodeReferencesMetadataValue,
    Failure,
    LocalFileCodeReference,
    MetadataValue,
    OpExecutionContext,
    asset_check,
)

from .driver import _driver
from .events import _EVENT_KEY
from .flow import _Flow
from .step import _add_step_metadata
from .task import _seconds_since_start

_DATA_VERSION = "dagster/data_version"  # a materialization's tag


def _code_reference(flow: _Flow, line: int) -> dict[str, Any]:
    """Metadata that links an asset to the flow's source."""
    with warnings.catch_warnings():  # Dagster calls these classes beta
        warnings.simplefilter("ignore")
        reference = LocalFileCodeReference(
            file_path=flow.flow_file, line_number=line, label=flow.flow_name
        )
        references = CodeReferencesMetadataValue(code_references=[reference])
    return {"dagster/code_references": references}


def _deployment(flow: _Flow, line: int) -> dict[str, Any]:
    """Metadata of the job and what starts it: its source, and when and by whom it was deployed."""
    return {
        **_code_reference(flow, line),
        "source": MetadataValue.path(flow.flow_file),
        "code package": flow.code_package_url,
        "deployed by": flow.metaflow_step_env.get("METAFLOW_USER", "unknown"),
        "deployed": MetadataValue.timestamp(os.path.getmtime(flow.definitions_file)),
    }


def _watched(*keys: str | Sequence[str]) -> dict[str, Any]:
    """Metadata of a sensor: links to the assets that it looks at."""
    assets = [AssetKey(key) for key in keys]
    return {asset.to_user_string(): MetadataValue.asset(asset) for asset in assets}


def _event_asset(name: str, *deps: AssetSpec) -> AssetSpec:
    """The asset of an event, whose materializations are the times that it was published.

    Files that name the same event have the same text for it, as Dagster wants that where they are
    loaded together.
    """
    return AssetSpec(
        [*_EVENT_KEY, name],
        description=f"Event {name}: each publication is a materialization.",
        kinds={"metaflow"},
        group_name="metaflow_events",
        deps=deps,
    )


def _partition_of(context: OpExecutionContext) -> str | None:
    return context.partition_key if context.has_partition_key else None


def _record_success(
    flow: _Flow, context: OpExecutionContext, task: Any, asset: AssetSpec
) -> None:
    """Record a run that has come to its end, with what its last step leaves."""
    _add_step_metadata(flow, context, task)
    run_id = task.path.split("/")[0]
    metadata: dict[str, Any] = {
        **_driver(flow).artifact_metadata(task),
        "metaflow run": f"{flow.flow_name}/{run_id}",
        "duration (s)": round(_seconds_since_start(context), 3),
    }
    if task.url:
        metadata["metaflow ui"] = MetadataValue.url(task.url.rsplit("/", 2)[0])
    context.log_event(
        AssetMaterialization(
            asset.key, metadata=metadata, partition=_partition_of(context)
        )
    )


def _record_artifact(
    flow: _Flow,
    context: OpExecutionContext,
    task: Any,
    name: str,
    assets: Mapping[str, AssetSpec],
) -> None:
    """Record an artifact as its asset, one of `assets`, which are by `step.artifact`.

    Its version for Dagster is the hash of its bytes.
    """
    asset = assets[f"{task.path.split('/')[1]}.{name}"]
    hashes = dict(_driver(flow).task_datastore(flow, task.path, "r").items())
    if name not in hashes:
        context.log.warning(
            f"{task.path} has no artifact {name}: the asset {asset.key.to_user_string()} is not "
            "materialized."
        )
        return
    pathspec = f"{flow.flow_name}/{task.path}"
    metadata: dict[str, Any] = {
        "metaflow artifact": f"{pathspec}/{name}",
        "retrieve": _driver(flow).retrieval(
            flow, [f"print(Task({pathspec!r})[{name!r}].data)"]
        ),
    }
    if about := task.artifacts.get(name):
        metadata |= dict(zip(("type", "bytes", "value"), about, strict=False))
    context.log_event(
        AssetMaterialization(
            asset.key,
            metadata=metadata,
            partition=_partition_of(context),
            tags={_DATA_VERSION: hashes[name]},
        )
    )


def _record_check(
    flow: _Flow,
    context: OpExecutionContext,
    task: Any,
    name: str,
    asset: AssetSpec,
) -> None:
    """Record a boolean artifact as the result of the check that is named like it."""
    value, problem = _boolean(flow, task, name)
    evaluation: Any = AssetCheckEvaluation(  # accepted, though not by its type
        asset_key=asset.key,
        check_name=name,
        passed=value,
        metadata={"metaflow artifact": f"{flow.flow_name}/{task.path}/{name}"},
        description=problem,
    )
    context.log_event(evaluation)


def _boolean(flow: _Flow, task: Any, name: str) -> tuple[bool, str | None]:
    """An artifact's value; False where it is none, and why."""
    if name not in task.artifacts:
        return False, f"The step left no artifact {name}."
    kind, _, *values = task.artifacts[name] or ("bool", 0)
    if not re.fullmatch(r"bool|numpy\.bool_?", kind):
        return False, f"The artifact {name} is not a boolean, but of type {kind}."
    value = (
        values[0]
        if values
        else _driver(flow).task_datastore(flow, task.path, "r")[name]
    )
    return bool(value), None


def _check_by_runs(
    flow: _Flow, asset: AssetSpec, name: str, step_name: str
) -> AssetChecksDefinition:
    """A check that runs of the flow decide."""

    @asset_check(
        asset=asset.key,
        name=name,
        description=f"The artifact {name} of step {step_name}. Each run of "
        f"{flow.flow_name} decides it.",
    )
    def decide() -> AssetCheckResult:
        raise Failure(
            f"Each run of flow {flow.flow_name} decides this check. Start a run of its job.",
            allow_retries=False,
        )

    return decide
