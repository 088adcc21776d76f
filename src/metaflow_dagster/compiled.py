"""The compiled form of a flow: made by ``dagster create``, and kept as long as it is good.

It is good while nothing has changed that decided it: the options, Metaflow's settings, the versions
of the packages, the files of the flow's folder that go into its code package, and every other file
that was read or imported when it was compiled (``_compile``). A failure is kept by the same rule,
though not for long: its cause may also be outside of files, such as a datastore that is down.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import metaflow as metaflow  # before its extension, which it loads itself

from metaflow_extensions.dagster._metaflow_internals.package import DEFAULT_SUFFIXES_LIST
from metaflow_extensions.dagster.contract import loaded_flows_folder
from metaflow_extensions.dagster.contract.sources import file_digest, source_files
from metaflow_extensions.dagster.errors import DagsterDeployError
from metaflow_extensions.dagster.plan.settings import bake_settings

from .options import FlowOptions

COMPILING = "_LOAD_FLOWS_IS_COMPILING"  # set in the process that compiles a flow
_COMPILE_SECONDS = 600
_FAILURE_SECONDS = 300  # that a failure is not tried again
_UNUSED_SECONDS = 30 * 24 * 3600  # after which a compiled flow is removed
_PACKAGE_URL = re.compile(r'^CODE_PACKAGE_URL = \(?\s*"(.*)"', re.MULTILINE)
_PACKAGES = ("metaflow-dagster", "metaflow", "dagster", "jinja2")

Listing = Callable[[str, tuple[str, ...]], "list[str]"]


@dataclass(frozen=True)
class FlowSource:
    """A flow and how it is to be compiled."""

    path: Path
    """Absolute."""
    options: FlowOptions
    working_dir: str
    """Where the command is run; Metaflow finds its local datastore from there."""

    def definitions_file(self, listing: Listing) -> Path:
        """The definitions file of the flow, compiled if there is none that is still good.

        Args:
            listing: Gives the files of a folder with some endings; see ``source_listing``.

        Raises:
            DagsterDeployError: the flow does not compile; with what its command says.
        """
        place = Path(loaded_flows_folder(), f"{self.path.stem}-{self._key()}")
        definitions = place / f"{self.path.stem}_definitions.py"
        record = place / "sources.json"
        folder = os.path.dirname(self.path)
        with suppress(OSError):  # there is none yet, or it may only be read
            os.utime(place)  # it is in use
        known = _known(record, folder, listing)
        error: str | None = known.get("error")
        if error is not None and time.time() - record.stat().st_mtime < _FAILURE_SECONDS:
            raise DagsterDeployError(error)
        if not known or error is not None or not _is_whole(definitions):
            place.mkdir(parents=True, exist_ok=True)
            _remove_unused(place.parent)
            reads, error = self._compile(definitions, place)
            _write(record, {**_sources(folder, reads, listing), "error": error})
            if error is not None:
                raise DagsterDeployError(error)
        return definitions

    def _key(self) -> str:
        """What decides beside files, in short."""
        decides = {
            "flow": str(self.path),
            "options": asdict(self.options),
            "working_dir": self.working_dir,
            "settings": bake_settings(os.environ, warn=lambda _: None),
            "environment": sorted(
                (name, value)
                for name, value in os.environ.items()
                if name.startswith("METAFLOW_") or name in ("USER", "PYTHONPATH")
            ),
            "packages": _package_versions(),
        }
        return hashlib.sha256(json.dumps(decides, sort_keys=True).encode()).hexdigest()[:16]

    def _compile(self, definitions: Path, place: Path) -> tuple[list[str], str | None]:
        """Make the file; the files that were read for it, and what the command says if it fails."""
        reads_handle, reads = tempfile.mkstemp(dir=place, suffix=".json")
        os.close(reads_handle)
        command = [sys.executable, "-m", "metaflow_dagster._compile", reads, str(self.path)]
        command += ["--quiet", "--no-pylint", *self.options.flow_args]
        command += ["dagster", "create", str(definitions), *self.options.create_args()]
        try:
            done = subprocess.run(
                command,
                cwd=self.working_dir,
                env={**os.environ, COMPILING: "1"},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=_COMPILE_SECONDS,
            )
            error = None
            if done.returncode:
                error = _message(done.stdout + done.stderr) or "It says nothing."
            with open(reads, encoding="utf-8") as file:
                text = file.read()
            if error is not None and not text:  # killed: nobody knows what it has read
                raise DagsterDeployError(error)
            return json.loads(text), error
        except subprocess.TimeoutExpired as error:
            raise DagsterDeployError(
                f"It was not compiled within {_COMPILE_SECONDS} seconds. Check what the flow's "
                "module does when it is imported."
            ) from error
        finally:
            os.unlink(reads)


def source_listing() -> Listing:
    """Lists folders, each once: many flows share one."""

    @cache
    def files(folder: str, suffixes: tuple[str, ...]) -> list[str]:
        found = source_files(folder, suffixes)
        return sorted(os.path.relpath(path, folder) for path in found if file_digest(path))

    return files


def _sources(folder: str, reads: list[str], listing: Listing) -> dict[str, object]:
    """What ``_known`` compares: the files that were read, and which others would be."""
    inside = {os.path.splitext(path)[1] for path in reads if path.startswith(folder + os.sep)}
    # Metaflow's code package has these, and whatever --package-suffixes adds.
    suffixes = tuple(sorted({*DEFAULT_SUFFIXES_LIST, *inside} - {""}))
    names = listing(folder, suffixes)
    paths = {*reads, *(os.path.join(folder, name) for name in names)}
    digests = {path: file_digest(path) for path in sorted(paths)}
    return {"digests": digests, "suffixes": suffixes, "names": names}


def _known(record: Path, folder: str, listing: Listing) -> dict[str, Any]:
    """What is recorded of the latest compilation; empty where its sources have changed since."""
    try:
        sources = json.loads(record.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    if listing(folder, tuple(sources["suffixes"])) != sources["names"]:
        return {}
    if any(file_digest(path) != digest for path, digest in sources["digests"].items()):
        return {}
    return sources


def _is_whole(definitions: Path) -> bool:
    """Whether the file is there, and the code package that it names."""
    try:
        package = _PACKAGE_URL.search(definitions.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    # A local datastore that was removed has taken the flow's code along.
    return package is None or not package[1].startswith("/") or os.path.exists(package[1])


def _remove_unused(folder: Path) -> None:
    """Remove what other options, versions or flows have left: nobody has loaded it for long."""
    for place in folder.iterdir():
        try:
            unused = time.time() - place.stat().st_mtime > _UNUSED_SECONDS
        except OSError:  # another process was faster
            continue
        if unused:
            shutil.rmtree(place, ignore_errors=True)


def _write(record: Path, content: object) -> None:
    handle, scratch = tempfile.mkstemp(dir=record.parent)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        json.dump(content, file)
    os.replace(scratch, record)


@cache
def _package_versions() -> list[str]:
    """Versions, and of this package its latest edit, which an editable installation picks up."""
    import metaflow_extensions.dagster.errors as ours

    folders = (os.path.dirname(ours.__file__), os.path.dirname(__file__))
    files = [path for folder in folders for path in source_files(folder, (".py", ".j2"))]
    edited = max(os.stat(path).st_mtime_ns for path in files)
    return [sys.version, *(f"{name} {version(name)}" for name in _PACKAGES), str(edited)]


def _message(output: str) -> str:
    """What a command says, without the indentation of Metaflow's and of its headline."""
    lines = [line.strip() for line in output.strip().splitlines()]
    if lines and lines[0] == f"{DagsterDeployError.headline}:":
        del lines[0]
    return "\n".join(lines[-40:])
