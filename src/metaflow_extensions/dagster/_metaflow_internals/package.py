"""Metaflow's code package, with the parts that are overridden here given names.

``MetaflowPackage`` is what all of Metaflow's schedulers use, though it is not public; and so are
the methods overridden: the one that lists the user's files and the one that packs them all.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable
from types import SimpleNamespace
from typing import Any

from metaflow.package import DEFAULT_SUFFIXES_LIST, MetaflowPackage

from . import _part

__all__ = ["DEFAULT_SUFFIXES_LIST", "CodePackageBase", "MetaflowPackage", "use_extracted"]

File = tuple[str, str]  # its path, and its name in the package
Entry = tuple["str | bytes", str]  # a file, or the content of one


class CodePackageBase(MetaflowPackage):
    """Builds and uploads itself in a thread; ``keeps`` and ``pack`` are for subclasses."""

    def keeps(self, path: str) -> bool:
        """Whether a file of the user's goes into the package."""
        raise NotImplementedError

    def pack(self, metaflow_files: list[File], others: Iterable[Entry]) -> bytes:
        """The package: Metaflow's own files and its extensions', and all that is the flow's."""
        raise NotImplementedError

    def _user_code_tuples(self) -> Generator[File, None, None]:
        # In order, so that the same files always give the same package.
        yield from sorted(file for file in super()._user_code_tuples() if self.keeps(file[0]))

    def _make(self) -> bytes:
        content: Any = _part(self, "_mfcontent")
        own = list(_part(content, "_cached_metaflow_files"))
        known = set(own)
        others = [entry for entry in content.contents() if entry not in known]
        return self.pack(own, [*others, *_part(self, "_cached_user_members")])


def use_extracted(decorators: Iterable[Any], folder: str, variables: dict[str, str]) -> None:
    """Have ``@conda`` find the flow's code in a folder, instead of unpacking it into another one.

    It keeps both on its class, and removes its own folder in a hook that only native runs call
    (``runtime_init`` and ``runtime_finished`` in metaflow/plugins/pypi/conda_decorator.py).
    """
    for kind in {type(decorator) for decorator in decorators}:
        if hasattr(kind, "_metaflow_home"):
            kind._metaflow_home = SimpleNamespace(name=folder)
            kind._addl_env_vars = variables
