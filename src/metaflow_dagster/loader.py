"""``load_flows``: a folder of flows as one code location. Imports Dagster."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from importlib.util import module_from_spec, spec_from_file_location
from itertools import repeat
from pathlib import Path
from typing import Any

import dagster as dg
import metaflow as metaflow  # before its extension, which it loads itself

from metaflow_extensions.dagster.contract import tags, variables
from metaflow_extensions.dagster.errors import DagsterDeployError
from metaflow_extensions.dagster.plan.build import job_name_of
from metaflow_extensions.dagster.plan.translator import DagsterMetaflowTranslator

from .compiled import COMPILING, FlowSource, Listing, source_listing
from .event_assets import with_all_publishers
from .find import find_flows
from .options import FlowOptions

_log = logging.getLogger("metaflow_dagster")

Options = FlowOptions | Mapping[str, Any]


def load_flows(
    folder: str | os.PathLike[str],
    *,
    options: Options | None = None,
    flows: Mapping[str, Options | None] | None = None,
    exclude: Iterable[str] = (),
    translator: str | type[DagsterMetaflowTranslator] | None = None,
    working_dir: str | os.PathLike[str] | None = None,
) -> dg.Definitions:
    """Compile the flows of a folder and give their jobs, schedules, sensors and assets.

    Loading deploys: what ``python flow.py dagster create`` does is done for each flow that has
    changed since it was compiled last, several at a time. What has not changed is read from a
    cache. A flow that cannot be compiled becomes a job of the flow's name whose description is the
    error, and whose runs fail with it; the other flows are not touched by that.

    Args:
        folder: Where the flows are, in it or below it. Relative to the working directory.
        options: Options for all flows, by name as in ``Deployer(...).dagster().create()``, or as
            ``FlowOptions``.
        flows: Options for one flow each, over those for all. A flow is named by its path from the
            folder (``nightly/train.py``), or by its class (``TrainFlow``).
        exclude: Patterns of paths from the folder that are no flows, such as ``tests/*``.
        translator: Chooses names, keys, owners and more; a class, or ``MODULE:CLASS``. The module
            is imported by itself when a flow is compiled, so it must not call ``load_flows``.
        working_dir: Where Metaflow looks for its local datastore upwards from; None is the working
            directory.

    Returns:
        The definitions of all flows.

    Raises:
        DagsterDeployError: there is no such folder, option or flow.
    """
    if os.environ.get(COMPILING):
        raise DagsterDeployError(
            "A module that calls load_flows was imported when a flow was compiled. Put what flows "
            "or translators need into a module of its own."
        )
    general = FlowOptions.of(options)
    if translator is not None:
        named = translator
        if not isinstance(named, str):
            named = f"{named.__module__}:{named.__qualname__}"
        general = replace(general, translator=general.translator or named)
    sources, names = _sources(Path(folder), general, flows or {}, exclude, working_dir)
    listing = source_listing()
    # Each waits for a process; a machine's cores are what they share.
    with ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
        files = pool.map(_try_compile, sources, repeat(listing))
    loaded: dict[str, Path] = {}
    parts: list[dg.Definitions] = []
    for source, name, file in zip(sources, names, files, strict=True):
        job = source.options.name or job_name_of(name)
        try:
            if isinstance(file, DagsterDeployError):
                raise file
            part = _import(file)
            _check_unique(part, source, loaded)
        except Exception as error:
            part = _failed(_free(job, loaded), source, error)
        loaded |= dict.fromkeys(_jobs(part), source.path)
        parts.append(part)
    return dg.Definitions.merge(*with_all_publishers(parts)) if parts else dg.Definitions()


def _sources(
    folder: Path,
    general: FlowOptions,
    flows: Mapping[str, Options | None],
    exclude: Iterable[str],
    working_dir: str | os.PathLike[str] | None,
) -> tuple[list[FlowSource], list[str]]:
    """The flows and the names of their classes."""
    if not folder.is_dir():
        raise DagsterDeployError(
            f"*{folder}* is not a folder (the working directory is {os.getcwd()}). Name the folder "
            "that the flows are in."
        )
    folder = folder.absolute()
    patterns = tuple(exclude)
    sources, names, used = list[FlowSource](), list[str](), set[str]()
    for path, name in find_flows(folder):
        relative = path.relative_to(folder)
        if any(relative.match(pattern) for pattern in patterns):
            continue
        keys = [key for key in (name, relative.as_posix()) if key in flows]
        used |= {*keys}
        own = general
        for key in keys:
            own = FlowOptions.of(flows[key]).over(own)
        place = os.path.abspath(working_dir or os.getcwd())
        sources.append(FlowSource(path, own, place))
        names.append(name)
    missing = sorted(flows.keys() - used)
    if missing:
        raise DagsterDeployError(
            f"There is no flow *{', '.join(missing)}* in {folder}. The flows are: "
            f"{', '.join(str(source.path.relative_to(folder)) for source in sources) or 'none'}."
        )
    return sources, names


def _try_compile(source: FlowSource, listing: Listing) -> Path | DagsterDeployError:
    try:
        return source.definitions_file(listing)
    except DagsterDeployError as error:
        return error
    except OSError as error:
        return DagsterDeployError(f"{error}. Check {variables.CACHE}.")


def _import(file: Path) -> dg.Definitions:
    """The definitions of a generated file."""
    name = f"metaflow_dagster_flows.{file.parent.name.replace('-', '_')}"
    spec = spec_from_file_location(name, file)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module.defs


def _jobs(part: dg.Definitions) -> list[str]:
    return [job.name for job in part.jobs or ()]


def _check_unique(part: dg.Definitions, source: FlowSource, loaded: Mapping[str, Path]) -> None:
    """Two jobs of one name would keep Dagster from loading anything."""
    for job in _jobs(part):
        if job in loaded:
            raise DagsterDeployError(
                f"Job {job} is that of {loaded[job]} already. Give one of the flows another name: "
                f'load_flows(..., flows={{"{source.path.name}": {{"name": "another"}}}}).'
            )


def _free(job: str, loaded: Mapping[str, Path]) -> str:
    name = job
    while name in loaded:
        name += "_"
    return name


def _failed(job_name: str, source: FlowSource, error: Exception) -> dg.Definitions:
    """A job that shows why a flow has none."""
    said = getattr(error, "message", None) or f"{type(error).__name__}: {error}"
    text = f"{source.path} does not compile: {said}"
    _log.error(text)

    @dg.op(name=f"{job_name}__does_not_compile", description=text)
    def does_not_compile() -> None:
        raise dg.Failure(text, allow_retries=False)

    @dg.job(
        name=job_name,
        description=f"**This flow does not compile.**\n\n```\n{text}\n```",
        tags={tags.DOES_NOT_COMPILE: "true"},
        executor_def=dg.in_process_executor,
    )
    def failed() -> None:
        call: Any = does_not_compile.alias("does_not_compile")
        call()

    return dg.Definitions(jobs=[failed])
