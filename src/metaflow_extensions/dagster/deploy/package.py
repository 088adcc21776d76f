"""The code package of a deployment: built by Metaflow, kept in the flow's datastore.

``MetaflowPackage`` is what all of Metaflow's schedulers use, though it is not public; and so are
the methods overridden here: the one that lists the user's files and the one that packs them all.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Generator
from typing import Any

from metaflow.package import DEFAULT_SUFFIXES_LIST, MetaflowPackage

from ..errors import DagsterDeployError
from ..plan.job import PackagePlan
from ..runtime.source import _GENERATED, _source_digest
from .archive import Entry, File, pack

_FAILED = "Package creation/upload failed"  # our own error says so in more words


class CodePackage:
    """Builds and uploads the package in the background, from the moment it is made."""

    def __init__(self, state: Any) -> None:
        """``state`` is Metaflow's ``CliState`` with the flow loaded."""
        suffixes = {*state.package_suffixes, *DEFAULT_SUFFIXES_LIST}
        self._suffixes = sorted(suffix.lower() for suffix in suffixes)
        self._state = state
        self._package = _FlowPackage(
            state.flow,
            state.environment,
            self._echo,
            suffixes=state.package_suffixes,
            flow_datastore=state.flow_datastore,
        )

    def wait(self) -> PackagePlan:
        """What the definitions file says of the package.

        Raises:
            DagsterDeployError: it could not be built, or the datastore did not take it.
        """
        try:
            url, sha = self._package.package_url(), self._package.package_sha()
        except Exception as error:
            raise DagsterDeployError(
                f"The flow's code could not be stored in the datastore: {error}. Check that the "
                "datastore can be reached and written, then run the command again."
            ) from error
        return PackagePlan(
            url=str(url),
            sha=str(sha),
            metadata=self._package.package_metadata,
            suffixes=tuple(self._suffixes),
            source_digest=_source_digest(_flow_folder(), self._suffixes),
        )

    def _echo(self, text: str, **options: Any) -> None:
        if not text.startswith(_FAILED):
            self._state.echo(text, **options)


class _FlowPackage(MetaflowPackage):
    """Without the files that we generate: their text has the package's own name in it."""

    def _user_code_tuples(self) -> Generator[tuple[str, str], None, None]:
        # In order, so that the same files always give the same package.
        yield from sorted(f for f in super()._user_code_tuples() if not _is_generated(f[0]))

    def _make(self) -> bytes:
        # Most of the time that the package takes is Metaflow's own files, always the same.
        files: list[File] = []
        others: list[Entry] = []
        for source, name in self._mfcontent.contents():
            if isinstance(source, str):
                files.append((source, name))
            else:
                others.append((source, name))
        return pack(files, [*others, *self._cached_user_members])


def _is_generated(path: str) -> bool:
    with open(path, "rb") as file:
        return file.read(len(_GENERATED)) == _GENERATED


def _flow_folder() -> str:
    return os.path.dirname(os.path.abspath(sys.argv[0]))
