"""``dagster doctor``: whether all that a deployment needs is there, and what to do if not."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

from metaflow.exception import MetaflowException

from .._metaflow_internals.untyped import user_name
from ..deploy.registry import Registry
from ..errors import DagsterRunError
from ..targets.base import Target
from ..targets.choose import choose_target
from .jobs import find_deployment, how_to_renew, is_stale
from .output import print_json

if TYPE_CHECKING:
    from .._metaflow_internals.types import CliState

_OLDEST = {"metaflow": (2, 19), "dagster": (1, 12)}  # as pyproject.toml has it
_OPTIONAL = ("dagster-webserver",)
_COLORS = {"ok": "green", "warning": "yellow", "error": "red"}


@dataclass(frozen=True)
class Finding:
    """What one check has found."""

    check: str
    level: str
    """``ok``, ``warning`` or ``error``."""
    text: str
    advice: str = ""
    """What to do about it."""


def examine(state: CliState, name: str | None, url: str | None, as_json: bool) -> bool:
    """Print what was found; False if something is wrong."""
    findings = list(_findings(state, name, url))
    if as_json:
        print_json(state, [asdict(finding) for finding in findings])
    else:
        for finding in findings:
            _print(state, finding)
    return all(finding.level != "error" for finding in findings)


def _print(state: CliState, finding: Finding) -> None:
    line = f"{finding.level:<8}{finding.check:<12}{finding.text}"
    if finding.advice:
        line += f"\n{'':<20}{finding.advice}"
    state.echo_always(line, err=False, fg=_COLORS[finding.level], no_bold=True)


def _findings(state: CliState, name: str | None, url: str | None) -> list[Finding]:
    checks: list[tuple[str, Callable[[], list[Finding]]]] = [
        ("versions", _versions),
        ("user", _user),
        ("datastore", lambda: _datastore(state)),
        ("metadata", lambda: _metadata(state)),
    ]
    target = choose_target(url, state.flow_datastore)
    place = "webserver" if target.is_live else "instance"
    checks.append((place, lambda: _place(place, target)))
    checks.append(("deployment", lambda: _deployment(state, name, target)))
    return [finding for check, look in checks for finding in _attempt(check, look)]


def _attempt(check: str, look: Callable[[], list[Finding]]) -> list[Finding]:
    """What a check finds; what it raises is a finding too."""
    try:
        return look()
    except MetaflowException as error:
        return [Finding(check, "error", _plain(str(error.message)))]
    except Exception as error:
        text = str(error).strip() or type(error).__name__
        return [Finding(check, "error", f"{type(error).__name__}: {text}")]


def _versions() -> list[Finding]:
    found, problems = [f"python {sys.version.split()[0]}"], list[Finding]()
    for package in ("metaflow-dagster", *_OLDEST, *_OPTIONAL):
        try:
            installed = version(package)
        except PackageNotFoundError:
            level = "warning" if package in _OPTIONAL else "error"
            advice = f"Install it: pip install {package}"
            problems.append(Finding("versions", level, f"{package} is not installed.", advice))
            continue
        found.append(f"{package} {installed}")
        oldest = _OLDEST.get(package)
        if oldest and tuple(int(part) for part in installed.split(".")[:2]) < oldest:
            wanted = ".".join(map(str, oldest))
            problems.append(
                Finding(
                    "versions",
                    "error",
                    f"{package} {installed} is older than {wanted}.",
                    f"Install a newer one: pip install '{package}>={wanted}'",
                )
            )
    return [Finding("versions", "ok", ", ".join(found)), *problems]


def _user() -> list[Finding]:
    user = user_name()
    if user:
        return [Finding("user", "ok", user)]
    advice = "Set METAFLOW_USER, also where Dagster runs."
    return [Finding("user", "error", "Metaflow does not know who you are.", advice)]


def _datastore(state: CliState) -> list[Finding]:
    datastore = state.flow_datastore
    place = f"{datastore.TYPE}, {datastore.datastore_root}"
    if datastore.TYPE == "local":
        folder = os.path.abspath(datastore.datastore_root)
        while not os.path.isdir(folder):  # it is made when it is first needed
            folder = os.path.dirname(folder)
        try:
            with tempfile.TemporaryFile(dir=folder):
                pass
        except OSError as error:
            advice = "Make the folder writable, or choose another one with --datastore-root."
            text = f"{place} cannot be written: {error.strerror}."
            return [Finding("datastore", "error", text, advice)]
    jobs = len(list(Registry.of(datastore).all()))
    deployed = "1 job" if jobs == 1 else f"{jobs} jobs"
    return [Finding("datastore", "ok", f"{place}, {deployed} deployed")]


def _metadata(state: CliState) -> list[Finding]:
    provider = state.metadata
    text = f"{provider.TYPE}, {provider.metadata_str().split('@', 1)[-1]}"
    if provider.TYPE == "service":
        text += f", version {provider.version()}"
    return [Finding("metadata", "ok", text)]


def _place(check: str, target: Target) -> list[Finding]:
    return [Finding(check, "ok", f"{target.description}, {target.check()}")]


def _deployment(state: CliState, name: str | None, target: Target) -> list[Finding]:
    deployment = find_deployment(state, name, live=True)
    job, found = deployment.name, list[Finding]()
    script = os.path.basename(state.flow.script_name)
    loaded = target.has_job(job)
    if loaded is False:
        advice = "Add its definitions file to Dagster's workspace, or reload the code location."
        text = f"{target.description} has no job {job}."
        found.append(Finding("deployment", "error", text, advice))
    if not deployment.definitions_file:
        create = f"Deploy the flow: python {script} dagster create FILE"
        level = "warning" if loaded else "error"
        text = f"Job {job} is not registered in this datastore."
        return [*found, Finding("deployment", level, text, create)]
    if not os.path.isfile(deployment.definitions_file):
        level = "warning" if target.is_live else "error"
        text = f"The definitions file of job {job} is not here: {deployment.definitions_file}."
        found.append(Finding("deployment", level, text, how_to_renew(deployment)))
    elif is_stale(state, deployment):
        text = f"The flow has changed since job {job} was deployed."
        found.append(Finding("deployment", "warning", text, how_to_renew(deployment)))
    if deployment.flow_name != state.flow.name:
        raise DagsterRunError(f"Job {job} belongs to flow {deployment.flow_name}.")
    if not found:
        found.append(Finding("deployment", "ok", f"{job}, {deployment.definitions_file}"))
    return found


def _plain(text: str) -> str:
    """A message without Metaflow's marks for bold text."""
    return text.replace("*", "")
