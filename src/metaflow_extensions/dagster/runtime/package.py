"""The code that a run uses: the flow's files as they were when they were deployed."""

import fcntl
import hashlib
import json
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache

from dagster import Failure

from .flow import _Flow
from .handover import _read_small
from .source import _cache_folder, _source_change
from .store import _extract_package, _package_variables, _top_option

_UNPACKED_LIMIT = 2 * 1024**3  # bytes of unpacked packages that a machine keeps

_unchanged_until: dict[_Flow, float] = {}
_in_use = ExitStack()  # locks on packages that this process uses


@dataclass(frozen=True)
class _Code:
    """What processes of the flow run: a file, where, with which variables, and why."""

    file: str
    folder: str
    env: dict[str, str] = field(default_factory=dict)
    reason: str = ""


def _deployed_code(flow: _Flow, packaged: bool = False) -> _Code:
    """The flow's files in place while they are what was deployed, else the code package.

    Args:
        packaged: The package is needed in any case: it has metaflow-dagster with it.
    """
    env = {
        "METAFLOW_CODE_SHA": flow.code_package_sha,
        "METAFLOW_CODE_URL": flow.code_package_url,
        "METAFLOW_CODE_DS": _top_option(flow, "datastore"),
        "METAFLOW_CODE_METADATA": flow.code_package_metadata,
    }
    reason = "" if packaged else _change(flow)
    if not packaged and not reason:
        return _Code(flow.flow_file, flow.working_dir, env)
    package = _unpacked_package(flow)
    env.update(_package_variables(flow.code_package_metadata, package))
    # Cards of a local datastore are found from the working directory upwards.
    local = _top_option(flow, "datastore") == "local"
    data = os.path.dirname(_top_option(flow, "datastore-root")) if local else ""
    folder = next(f for f in (flow.working_dir, data, package) if os.path.isdir(f))
    if folder == package:
        # Local metadata must outlive the package.
        env["METAFLOW_DATASTORE_SYSROOT_LOCAL"] = os.environ.get(
            "METAFLOW_DATASTORE_SYSROOT_LOCAL", os.path.expanduser("~")
        )
    file = os.path.join(package, os.path.basename(flow.flow_file))
    return _Code(file, folder, env, reason)


def _change(flow: _Flow) -> str:
    """What is not on this machine as it was deployed, if anything."""
    began = time.monotonic()
    if began < _unchanged_until.get(flow, 0.0):
        return ""
    try:
        folder = os.path.dirname(flow.flow_file)
        change = _source_change(folder, flow.package_suffixes, _deployed_files(flow))
    except OSError as error:
        return f"The flow's files cannot be compared with those deployed: {error}"
    # Large folders are not looked at again for every task.
    ended = time.monotonic()
    _unchanged_until[flow] = 0.0 if change else ended + 20 * (ended - began)
    return change


@cache
def _deployed_files(flow: _Flow) -> dict[str, str]:
    """The list of the deployed files, from the datastore: fetched once for a machine."""
    kept = os.path.join(_cache_folder(), "sources", flow.source_digest)
    if os.path.exists(kept):
        with open(kept, encoding="utf-8") as file:
            return json.load(file)
    text = _read_small(
        flow, f"{flow.flow_name}/data/{flow.source_digest[:2]}/{flow.source_digest}"
    )
    with suppress(OSError):  # it is fetched again where it cannot be kept
        os.makedirs(os.path.dirname(kept), mode=0o700, exist_ok=True)
        scratch = f"{kept}.{os.getpid()}"
        with open(scratch, "wb") as file:
            file.write(text)
        os.replace(scratch, kept)
    return json.loads(text)


@cache
def _unpacked_package(flow: _Flow) -> str:
    """The folder of the unpacked code package: fetched once for all processes of a machine.

    Raises:
        Failure: there is no package, it is damaged, or there is no room for it.
    """
    kept = os.path.join(_cache_folder(), "packages")
    folder = os.path.join(kept, flow.code_package_sha)
    try:
        os.makedirs(kept, mode=0o700, exist_ok=True)
        _in_use.enter_context(_locked(f"{folder}.lock", fcntl.LOCK_SH))
        with _locked(f"{folder}.fetch", fcntl.LOCK_EX):
            if not os.path.isdir(folder):
                _unpack(flow, folder)
                _remove_unused(kept)
            os.utime(folder)
    except OSError as error:
        what = f"Cannot unpack the code package in {kept}: {error}"
        todo = "Set METAFLOW_DAGSTER_CACHE to a folder that can be written."
        raise Failure(f"{what}\n{todo}", allow_retries=False) from error
    return folder


@contextmanager
def _locked(path: str, kind: int) -> Iterator[None]:
    """Hold a lock on a file, which is made where it does not exist."""
    descriptor = os.open(path, os.O_CREAT | os.O_WRONLY, 0o600)
    try:
        fcntl.flock(descriptor, kind)
        yield
    finally:
        os.close(descriptor)


def _unpack(flow: _Flow, folder: str) -> None:
    sha = flow.code_package_sha
    todo = "Deploy the flow again, with the command at the top of the definitions file."
    try:
        blob = _read_small(flow, f"{flow.flow_name}/data/{sha[:2]}/{sha}")
    except FileNotFoundError as error:
        what = f"The code package of this deployment is gone: {flow.code_package_url}"
        raise Failure(f"{what}\n{todo}", allow_retries=False) from error
    if hashlib.sha1(blob).hexdigest() != sha:
        what = (
            f"The code package of this deployment is damaged: {flow.code_package_url}"
        )
        raise Failure(f"{what}\n{todo}", allow_retries=False)
    scratch = f"{folder}.new"
    shutil.rmtree(scratch, ignore_errors=True)  # of a process that was killed
    os.mkdir(scratch)
    _extract_package(flow.code_package_metadata, blob, scratch)
    os.rename(scratch, folder)


def _remove_unused(kept: str) -> None:
    """Remove the packages unused for longest until the others fit; none that is in use."""
    packages = [entry for entry in os.scandir(kept) if entry.is_dir()]
    packages.sort(key=lambda entry: entry.stat().st_mtime, reverse=True)
    total = 0
    for entry in packages:
        size = 0
        for path, _, files in os.walk(entry.path):
            size += sum(os.lstat(os.path.join(path, name)).st_size for name in files)
        total += size
        if total > _UNPACKED_LIMIT:
            try:
                with _locked(f"{entry.path}.lock", fcntl.LOCK_EX | fcntl.LOCK_NB):
                    shutil.rmtree(entry.path, ignore_errors=True)
                total -= size
            except BlockingIOError:
                continue
