"""What the engine under a job is told: its executor, tags of the run and of ops, pools.

An option for steps is written ``[STEP:]VALUE``; without a step it holds for all of them.
"""

from __future__ import annotations

import importlib
import json
import os
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, cast

from ..errors import DagsterDeployError, Problems
from ..graph import FlowView
from .model import OpOutput, OpPlan
from .options import CreateOptions
from .resources import resource_tags
from .settings import may_authenticate, names_secret

OWN_KINDS = ("auto", "multiprocess", "in_process", "inherit")
DEFAULT_MAX_WORKERS = 16  # as natively (metaflow/cli_components/run_cmds.py)
DASK_EXECUTOR = "metaflow_extensions.dagster.executor.dask:dask_executor"

_MODULE_AND_NAME = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*")
# Where executors that start a container for each step are told its image.
_IMAGE_FIELDS = {
    "dagster_k8s:k8s_job_executor": "job_image",
    "dagster_celery_k8s:celery_k8s_job_executor": "job_image",
    "dagster_docker:docker_executor": "image",
}
# dagster/_core/storage/tags.py and dagster/_utils/tags.py: parts before and after a slash.
_TAG_KEY = re.compile(r"[\w.-]{1,63}(/[\w.-]{1,63})?")
# dagster/_core/definitions/op_definition.py takes all but white space; the colon is ours.
_POOL = re.compile(r"[^\s:]+")


@dataclass(frozen=True)
class EnginePlan:
    """How a job is run."""

    executor: str = "auto"
    """``auto``, ``inherit``, ``in_process``, ``multiprocess``, or ``module:name``."""
    config: dict[str, Any] | None = None
    """What the executor is configured with; None leaves it to the run config."""
    max_workers: int | None = None
    """The limit of ``auto`` and ``multiprocess``; that of others is in ``config``."""
    run_tags: tuple[tuple[str, Any], ...] = ()
    helper_tags: tuple[tuple[str, Any], ...] = ()
    """Tags of ops that run no task: those that every op has."""


def plan_engine(options: CreateOptions, warn: Callable[[str], None]) -> EnginePlan:
    """Check the options that do not depend on the flow.

    Imports the executor where it is installed, and reads its configuration where that is a file.

    Raises:
        DagsterDeployError: an option is malformed, or cannot mean anything for this executor.
    """
    executor = options.executor
    problems = Problems()
    config = problems.attempt(_executor_config, options.executor_config)
    fields = problems.attempt(_fields, executor, warn)
    if config is not None and executor == "inherit":
        problems.add(
            "--executor-config has no executor with --executor *inherit*: the code location that "
            "loads the file configures its own. Leave it out, or name the executor."
        )
    run_tags = problems.attempt(_parsed_tags, "--run-tag", options.run_tags, ())
    everywhere = problems.attempt(_parsed_tags, "--step-tag", options.step_tags, None)
    tags = (run_tags or {None: {}})[None]
    if options.image:
        if re.search(r"\s", options.image):
            problems.add(f"--image *{options.image}* holds white space, which no image name does.")
        image = {"dagster-k8s/config": {"container_config": {"image": options.image}}}
        tags = merged(image, tags)
        if field := _IMAGE_FIELDS.get(executor):
            config = {field: options.image, **(config or {})}
    max_workers = None
    if executor in ("auto", "multiprocess"):
        max_workers = options.max_workers or DEFAULT_MAX_WORKERS
    elif executor not in OWN_KINDS and options.max_workers:
        if fields is not None and "max_concurrent" not in fields:
            problems.add(
                f"--max-workers cannot limit the executor *{executor}*, which has no such limit: "
                "its workers decide. Leave it out; --pool limits steps over all runs."
            )
        config = {**(config or {}), "max_concurrent": options.max_workers}
    problems.raise_all()
    return EnginePlan(
        executor=executor,
        config=config,
        max_workers=max_workers,
        run_tags=tuple(tags.items()),
        helper_tags=tuple((everywhere or {None: {}})[None].items()),
    )


def with_engine(
    ops: Iterable[OpPlan], view: FlowView, options: CreateOptions
) -> tuple[OpPlan, ...]:
    """The ops with the tags and pools of their steps.

    Raises:
        DagsterDeployError: an option names a step that the flow does not have, or the executor
            cannot run a step.
    """
    ops = tuple(ops)
    steps = [op.step for op in ops]
    problems = Problems()
    tags = problems.attempt(_parsed_tags, "--step-tag", options.step_tags, steps) or {}
    pools = problems.attempt(_parsed_pools, options.pools, steps) or {}
    problems.attempt(_check_dask, options.executor, ops)
    problems.raise_all()
    planned: list[OpPlan] = []
    for op in ops:
        ecs = options.executor.startswith("dagster_aws.")
        own = resource_tags(view.steps[op.step], ecs=ecs)
        own = merged(merged(own, tags.get(None, {})), tags.get(op.step, {}))
        pool = pools.get(op.step, pools.get(None))
        planned.append(replace(op, tags=tuple(own.items()), pool=pool))
    return tuple(planned)


def merged(base: Mapping[str, Any], extra: Mapping[str, Any]) -> dict[str, Any]:
    """Two trees as one; where both have a leaf, that of ``extra`` counts."""
    result = dict(base)
    for key, value in extra.items():
        old = result.get(key)
        if isinstance(old, dict) and isinstance(value, dict):
            value = merged(old, value)
        result[key] = value
    return result


# -- The executor ---------------------------------------------------------------------------


def _fields(executor: str, warn: Callable[[str], None]) -> set[str] | None:
    """The fields of an executor's config; None where the executor is not installed here.

    Raises:
        DagsterDeployError: the text names no executor.
    """
    if executor in OWN_KINDS:
        return None
    if not _MODULE_AND_NAME.fullmatch(executor):
        raise DagsterDeployError(
            f"--executor *{executor}* is neither one of {', '.join(OWN_KINDS)} nor MODULE:NAME, "
            "such as dagster_celery:celery_executor."
        )
    module, name = executor.split(":")
    try:
        definition = getattr(importlib.import_module(module), name, None)
    except ImportError as error:
        warn(
            f"--executor {executor} cannot be imported here ({error}). It has to be installed "
            "wherever Dagster loads the file."
        )
        return None
    if definition is None:
        raise DagsterDeployError(f"--executor: module *{module}* has no *{name}*.")

    from dagster import ExecutorDefinition

    if not isinstance(definition, ExecutorDefinition):
        raise DagsterDeployError(
            f"--executor *{executor}* is a {type(definition).__name__}, not an executor "
            "definition of Dagster. Name one, such as dagster_celery:celery_executor."
        )
    config_type: Any = definition.config_schema.as_field().config_type
    return set(getattr(config_type, "fields", ()))


def _executor_config(text: str | None) -> dict[str, Any] | None:
    """The config given as YAML or JSON, or in a file of that."""
    if text is None:
        return None
    where = "--executor-config"
    if not text.lstrip().startswith("{"):
        where = f"--executor-config: the file *{text}*"
        if not os.path.isfile(text):
            raise DagsterDeployError(
                f"{where} does not exist. Give a file, or the config itself as JSON: "
                "'{\"max_concurrent\": 4}'."
            )
        with open(text, encoding="utf-8") as file:
            text = file.read()
    import yaml

    try:
        config = json.loads(json.dumps(yaml.safe_load(text)))
    except (yaml.YAMLError, TypeError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise DagsterDeployError(f"{where} is neither JSON nor YAML: {reason}") from error
    if not isinstance(config, dict):
        raise DagsterDeployError(f"{where} must be a mapping of fields to values.")
    if secret := _secret_in(config):
        raise DagsterDeployError(
            f"{where}: *{secret}* seems to hold credentials, which are never written into the "
            'file. Write {"env": "NAME"} in its place, and set NAME where Dagster runs.'
        )
    return config


def _secret_in(value: Any, name: str = "") -> str | None:
    """The name of the first text that may let somebody in.

    Environment variables are ``NAME=VALUE`` (``env_vars`` in dagster_docker/utils.py) or, in a pod,
    objects with ``name`` and ``value``.
    """
    if isinstance(value, str):
        variable, is_set, _ = value.partition("=")
        if is_set and names_secret(variable):
            return variable
        return name if names_secret(name) or may_authenticate(value) else None
    entries: list[tuple[str, Any]] = []
    if isinstance(value, dict):
        fields = cast("dict[str, Any]", value)
        entries += fields.items()
        if isinstance(fields.get("value"), str):
            entries.append((str(fields.get("name")), fields["value"]))
    elif isinstance(value, list):
        entries += [(name, entry) for entry in cast("list[Any]", value)]
    return next(filter(None, (_secret_in(entry, str(key)) for key, entry in entries)), None)


def _check_dask(executor: str, ops: Iterable[OpPlan]) -> None:
    """Dagster's executor for Dask submits all steps at once, as they are at the start
    (``DaskExecutor.execute`` in dagster_dask/executor.py)."""
    if executor != "dagster_dask:dask_executor":
        return
    dynamic = (OpOutput.FOREACH, OpOutput.FOREACH_DEFERRED, OpOutput.GANG, OpOutput.SWITCH)
    for op in ops:
        what = None
        if op.output_kind in dynamic:
            what = "a switch" if op.output_kind is OpOutput.SWITCH else "a foreach"
        elif op.retry.user + op.retry.error:
            what = "retries"
        if what:
            raise DagsterDeployError(
                f"Step *{op.step}* has {what}, which {executor} cannot run: steps may not "
                f"appear, be skipped or be repeated during its runs. Use --executor "
                f"{DASK_EXECUTOR}, which can."
            )


# -- Tags and pools -------------------------------------------------------------------------


def _parsed_tags(
    option: str, texts: Iterable[str], steps: Iterable[str] | None
) -> dict[str | None, dict[str, Any]]:
    """Tags by step, those of every op under None. A value that is a JSON object becomes one.

    Args:
        steps: The flow's steps; None passes over those that are of one step.
    """
    tags: dict[str | None, dict[str, Any]] = {None: {}}
    problems = Problems()
    for text in texts:
        parsed = problems.attempt(_parsed_tag, option, text, steps)
        if parsed:
            step, tag = parsed
            tags[step] = merged(tags.get(step, {}), tag)
    problems.raise_all()
    return tags


def _parsed_tag(
    option: str, text: str, steps: Iterable[str] | None
) -> tuple[str | None, dict[str, Any]]:
    """The step that a tag is for, and the tag."""
    form = "KEY=VALUE" if option == "--run-tag" else "[STEP:]KEY=VALUE"
    name, has_value, value = text.partition("=")
    step, key = _for_step(name) if option != "--run-tag" else (None, name)
    if not has_value or not value or not _TAG_KEY.fullmatch(key):
        raise DagsterDeployError(
            f"{option} *{text}* is not of the form {form}, such as dagster/priority=3."
        )
    if steps is not None:
        _check_step(option, step, steps)
    tag = {key: _tag_value(value)}
    if _secret_in(tag):
        raise DagsterDeployError(
            f"{option} *{key}* seems to hold credentials, which are never written into the "
            "file. Give them to the processes that need them."
        )
    return step, tag


def _tag_value(text: str) -> Any:
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return value if isinstance(value, dict) else text


def _parsed_pools(texts: Iterable[str], steps: Iterable[str]) -> dict[str | None, str]:
    problems = Problems()
    found = [problems.attempt(_parsed_pool, text, steps) for text in texts]
    problems.raise_all()
    return dict(filter(None, found))


def _parsed_pool(text: str, steps: Iterable[str]) -> tuple[str | None, str]:
    step, pool = _for_step(text)
    if not _POOL.fullmatch(pool):
        raise DagsterDeployError(
            f"--pool *{text}* is not of the form [STEP:]POOL, such as train:gpu."
        )
    _check_step("--pool", step, steps)
    return step, pool


def _for_step(text: str) -> tuple[str | None, str]:
    step, colon, rest = text.partition(":")
    return (step, rest) if colon else (None, text)


def _check_step(option: str, step: str | None, steps: Iterable[str]) -> None:
    if step is not None and step not in steps:
        raise DagsterDeployError(
            f"{option}: there is no step *{step}* in this flow. Its steps: {', '.join(steps)}."
        )
