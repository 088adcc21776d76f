"""The code that a run uses: the flow's files as they were when they were deployed."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import time
from collections.abc import Generator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from io import BytesIO
from pathlib import Path
from threading import Lock

from dagster import Failure

from ..contract import cache_folder
from ..contract.sources import source_change
from .datastore import data_name, read_file
from .flow import Flow, top_option

_UNPACKED_LIMIT = 2 * 1024**3  # bytes of unpacked packages that a machine keeps

_unchanged_until: dict[Flow, float] = {}
_looking = Lock()  # at the flow's files: one thread does so for all that want to know
_in_use = ExitStack()  # locks on packages that this process uses
# Else this is the copy in a code package, which only the processes that are told so can use.
_IS_INSTALLED = not Path(__file__).is_relative_to(os.path.join(cache_folder(), "packages"))


@dataclass(frozen=True)
class Code:
    """What processes of the flow run: a file, where, with which variables, and why."""

    file: str
    folder: str
    env: dict[str, str] = field(default_factory=dict[str, str])
    reason: str = ""


def code_of(flow: Flow) -> Code:
    """The flow's files in place while they are what was deployed, else the code package.

    Where metaflow-dagster is not installed, the package's copy of it comes with either.
    """
    env = {
        "METAFLOW_CODE_SHA": flow.code_package_sha,
        "METAFLOW_CODE_URL": flow.code_package_url,
        "METAFLOW_CODE_DS": top_option(flow, "datastore"),
        "METAFLOW_CODE_METADATA": flow.code_package_metadata,
    }
    reason = _change(flow)
    in_place = Code(flow.flow_file, flow.working_dir, env)
    if not reason and _IS_INSTALLED:
        return in_place
    package = _unpacked_package(flow)
    env.update(_package_variables(flow.code_package_metadata, package))
    if not reason:
        return in_place
    # Cards of a local datastore are found from the working directory upwards.
    local = top_option(flow, "datastore") == "local"
    data = os.path.dirname(top_option(flow, "datastore-root")) if local else ""
    folder = next(f for f in (flow.working_dir, data, package) if os.path.isdir(f))
    if folder == package:
        # Local metadata must outlive the package.
        env["METAFLOW_DATASTORE_SYSROOT_LOCAL"] = os.environ.get(
            "METAFLOW_DATASTORE_SYSROOT_LOCAL", os.path.expanduser("~")
        )
    file = os.path.join(package, os.path.basename(flow.flow_file))
    return Code(file, folder, env, reason)


def _change(flow: Flow) -> str:
    """What is not on this machine as it was deployed, if anything."""
    try:
        deployed = _deployed_files(flow)  # which may have to be fetched: not while others wait
        with _looking:
            began = time.monotonic()
            if began < _unchanged_until.get(flow, 0.0):
                return ""
            folder = os.path.dirname(flow.flow_file)
            change = source_change(folder, flow.package_suffixes, deployed)
            # Large folders are not looked at again for every task.
            ended = time.monotonic()
            _unchanged_until[flow] = 0.0 if change else ended + 20 * (ended - began)
            return change
    except OSError as error:
        return f"The flow's files cannot be compared with those deployed: {error}"


@cache
def _deployed_files(flow: Flow) -> dict[str, str]:
    """The list of the deployed files, from the datastore: fetched once for a machine."""
    kept = os.path.join(cache_folder(), "sources", flow.source_digest)
    if os.path.exists(kept):
        with open(kept, encoding="utf-8") as file:
            return json.load(file)
    text = read_file(flow, data_name(flow, flow.source_digest))
    with suppress(OSError):  # it is fetched again where it cannot be kept
        os.makedirs(os.path.dirname(kept), mode=0o700, exist_ok=True)
        scratch = f"{kept}.{os.getpid()}"
        with open(scratch, "wb") as file:
            file.write(text)
        os.replace(scratch, kept)
    return json.loads(text)


@cache
def _unpacked_package(flow: Flow) -> str:
    """The folder of the unpacked code package: fetched once for all processes of a machine.

    Raises:
        Failure: there is no package, it is damaged, or there is no room for it.
    """
    kept = os.path.join(cache_folder(), "packages")
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


def _package_variables(metadata: str, folder: str) -> dict[str, str]:
    """The variables with which processes use an unpacked code package."""
    from metaflow.package import MetaflowPackage

    env: dict[str, str] = {}
    to_set = MetaflowPackage.get_post_extract_env_vars(metadata, folder)
    for name, value in to_set.items():
        # With a colon it replaces what is there, without one it goes before it.
        before = None if name.endswith(":") else os.environ.get(name)
        env[name.rstrip(":")] = f"{value}{os.pathsep}{before}" if before else value
    return env


@contextmanager
def _locked(path: str, kind: int) -> Generator[None]:
    """Hold a lock on a file, which is made where it does not exist."""
    descriptor = os.open(path, os.O_CREAT | os.O_WRONLY, 0o600)
    try:
        fcntl.flock(descriptor, kind)
        yield
    finally:
        os.close(descriptor)


def _unpack(flow: Flow, folder: str) -> None:
    sha = flow.code_package_sha
    todo = "Deploy the flow again, with the command at the top of the definitions file."
    try:
        blob = read_file(flow, data_name(flow, sha))
    except FileNotFoundError as error:
        what = f"The code package of this deployment is gone: {flow.code_package_url}"
        raise Failure(f"{what}\n{todo}", allow_retries=False) from error
    if hashlib.sha1(blob).hexdigest() != sha:
        what = f"The code package of this deployment is damaged: {flow.code_package_url}"
        raise Failure(f"{what}\n{todo}", allow_retries=False)
    scratch = f"{folder}.new"
    shutil.rmtree(scratch, ignore_errors=True)  # of a process that was killed
    os.mkdir(scratch)
    from metaflow.package import MetaflowPackage

    MetaflowPackage.cls_extract_into(flow.code_package_metadata, BytesIO(blob), scratch)
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
