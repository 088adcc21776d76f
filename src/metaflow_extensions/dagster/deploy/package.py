"""The code package of a deployment: built by Metaflow, kept in the flow's datastore.

Beside the package, the datastore gets the list of the files in it that are the user's: those of the
flow's folder and those that decorators, mutators and environments brought in (``add_to_package``).
By that list a run sees whether the flow is still what was deployed (``contract/sources.py``).
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import metaflow
from metaflow.metaflow_config import DATASTORE_LOCAL_DIR

from .._metaflow_internals.package import (
    DEFAULT_SUFFIXES_LIST,
    CodePackageBase,
    Entry,
    File,
)
from ..contract import GENERATED
from ..contract.sources import source_files
from ..errors import DagsterDeployError
from ..plan.job import PackagePlan
from .archive import pack

if TYPE_CHECKING:
    from .._metaflow_internals.types import CliState

_FAILED = "Package creation/upload failed"  # our own error says so in more words


class CodePackage:
    """Builds and uploads the package in the background, from the moment it is made."""

    def __init__(self, state: CliState) -> None:
        """``state`` is Metaflow's ``CliState`` with the flow loaded."""
        suffixes = {*state.package_suffixes, *DEFAULT_SUFFIXES_LIST}
        self._suffixes = sorted(suffix.lower() for suffix in suffixes)
        self._state = state
        self._package = _FlowPackage(state, self._echo)

    def wait(self) -> PackagePlan:
        """What the definitions file says of the package.

        Raises:
            DagsterDeployError: it could not be built, or the datastore did not take it.
        """
        try:
            url, sha = self._package.package_url(), self._package.package_sha()
            sources = _relative(self._package.digests, _flow_folder())
            text = json.dumps(sources, indent=0, sort_keys=True).encode()
            _, digest = self._state.flow_datastore.save_data([text], len_hint=1)[0]
        except Exception as error:
            if not self._package.is_packed:
                raise DagsterDeployError(
                    f"The flow's code could not be packaged: {error}. Fix what it names, then run "
                    "the command again."
                ) from error
            raise DagsterDeployError(
                f"The flow's code could not be stored in the datastore: {error}. Check that the "
                "datastore can be reached and written, then run the command again."
            ) from error
        return PackagePlan(
            url=str(url),
            sha=str(sha),
            metadata=self._package.package_metadata,
            suffixes=tuple(sorted({*self._suffixes, *_complete_suffixes(sources)})),
            source_digest=str(digest),
        )

    def _echo(self, text: str, **options: Any) -> None:
        if not text.startswith(_FAILED):
            self._state.echo(text, **options)


class _FlowPackage(CodePackageBase):
    """Without the files that we generate: their text has the package's own name in it.

    Attributes:
        is_packed: The package exists; the datastore may not have it yet.
        digests: The SHA-1 of each file that is not Metaflow's, as it was packed, by its path.
    """

    def __init__(self, state: CliState, echo: Callable[..., None]) -> None:
        self.is_packed = False
        self.digests: dict[str, str] = {}
        super().__init__(state, echo)  # starts the thread that packs

    def keeps(self, path: str) -> bool:
        return _counts(path)

    def pack(self, metaflow_files: list[File], others: Iterable[Entry]) -> bytes:
        # Most of the time that the package takes is Metaflow's own files, always the same.
        blob = pack(metaflow_files, others, self.digests)
        self.is_packed = True
        return blob


def _counts(path: str) -> bool:
    """Whether a path is neither a dangling link nor a file that we have generated."""
    if os.path.islink(path) and not os.path.exists(path):
        return False
    with open(path, "rb") as file:
        return file.read(len(GENERATED)) != GENERATED


def _flow_folder() -> str:
    return os.path.dirname(os.path.abspath(sys.argv[0]))


def _relative(digests: dict[str, str], folder: str) -> dict[str, str]:
    """The user's files among these: those in the folder by their path from there.

    What Metaflow brings in itself is not the user's: a file of its own to close a package with,
    and what it keeps in its local folder (the manifest of ``@conda``).
    """
    found: dict[str, str] = {}
    metaflow_folder = metaflow.__path__[0]
    for path, digest in digests.items():
        parts = path.split(os.sep)
        if path.startswith(metaflow_folder + os.sep) or DATASTORE_LOCAL_DIR in parts:
            continue
        if "__pycache__" in parts:  # of an installed package; Python writes it anew
            continue
        for base in (folder, os.path.realpath(folder)):
            if path.startswith(base + os.sep):
                path = os.path.relpath(path, base)
                break
        found[path] = digest
    return found


def _complete_suffixes(sources: dict[str, str]) -> set[str]:
    """The endings of which all files in the flow's folder are packaged: a new one counts too."""
    folder = _flow_folder()
    names = [os.path.relpath(path, folder) for path in source_files(folder, ("",))]
    suffixes = {os.path.splitext(name)[1].lower() for name in sources if not os.path.isabs(name)}
    others = {os.path.splitext(name)[1].lower() for name in names if name not in sources}
    return suffixes - others - {""}
