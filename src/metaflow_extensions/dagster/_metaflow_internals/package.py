"""Metaflow's code package, with the parts that are overridden here given names.

``MetaflowPackage`` is what all of Metaflow's schedulers use, though it is not public; and so are
the methods overridden: the one that lists the user's files and the one that packs them all.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, TypeGuard

from metaflow import package
from metaflow.package import MetaflowPackage

from . import part

if TYPE_CHECKING:
    from .types import CliState, CondaEnvironment, Environment

__all__ = [
    "DEFAULT_SUFFIXES_LIST",
    "CodePackageBase",
    "MetaflowPackage",
    "build_package",
    "is_conda",
    "use_extracted",
]

DEFAULT_SUFFIXES_LIST: list[str] = part(package, "DEFAULT_SUFFIXES_LIST")

File = tuple[str, str]  # its path, and its name in the package
Entry = tuple["str | bytes", str]  # a file, or the content of one


class CodePackageBase(MetaflowPackage):
    """Builds and uploads itself in a thread; ``keeps`` and ``pack`` are for subclasses.

    Args:
        state: With the flow loaded.
        echo: Told how the work goes on.
    """

    def __init__(self, state: CliState, echo: Callable[..., None]) -> None:
        part(super(), "__init__")(**_arguments(state, echo))

    def keeps(self, path: str) -> bool:
        """Whether a file of the user's goes into the package."""
        raise NotImplementedError

    def pack(self, metaflow_files: list[File], others: Iterable[Entry]) -> bytes:
        """The package: Metaflow's own files and its extensions', and all that is the flow's."""
        raise NotImplementedError

    def _user_code_tuples(self) -> Generator[File, None, None]:
        # In order, so that the same files always give the same package.
        files: Iterable[File] = part(super(), "_user_code_tuples")()
        yield from sorted(file for file in files if self.keeps(file[0]))

    def _make(self) -> bytes:
        content: Any = part(self, "_mfcontent")
        own = list(part(content, "_cached_metaflow_files"))
        known = set(own)
        others = [entry for entry in content.contents() if entry not in known]
        return self.pack(own, [*others, *part(self, "_cached_user_members")])


def build_package(state: CliState) -> MetaflowPackage:
    """Metaflow's own package of the flow that is loaded."""
    kind: Any = MetaflowPackage
    return kind(**_arguments(state, state.echo))


def _arguments(state: CliState, echo: Callable[..., None]) -> dict[str, Any]:
    return {
        "flow": state.flow,
        "environment": state.environment,
        "echo": echo,
        "suffixes": state.package_suffixes,
        "flow_datastore": state.flow_datastore,
    }


def is_conda(environment: Environment) -> TypeGuard[CondaEnvironment]:
    """Whether an environment is that of ``@conda`` and ``@pypi``, or of their kind."""
    return hasattr(environment, "write_to_environment_manifest")


def use_extracted(decorators: Iterable[Any], folder: str, variables: dict[str, str]) -> None:
    """Have ``@conda`` find the flow's code in a folder, instead of unpacking it into another one.

    It keeps both on its class, and removes its own folder in a hook that only native runs call
    (``runtime_init`` and ``runtime_finished`` in metaflow/plugins/pypi/conda_decorator.py).
    """
    kinds: set[Any] = {type(decorator) for decorator in decorators}
    for kind in kinds:
        if hasattr(kind, "_metaflow_home"):
            kind._metaflow_home = SimpleNamespace(name=folder)
            kind._addl_env_vars = variables
