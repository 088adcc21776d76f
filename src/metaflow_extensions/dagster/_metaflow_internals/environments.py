"""Environments of ``@conda`` and ``@pypi``: their ids, solutions and packages.

None of this is public in Metaflow: what its own schedulers do with it is in
metaflow/plugins/pypi/bootstrap.py, conda_environment.py, micromamba.py and pip.py.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from metaflow.plugins.pypi.utils import conda_platform

from . import part
from .package import is_conda

Packages = list[dict[str, Any]]


def environment_of(environment: Any, flow: Any, step_name: str) -> Mapping[str, Any]:
    """What a step's environment is made of, and its id; empty where the step has none.

    The id depends on the packages, on the versions of Python, on the platform and on where the
    datastore keeps packages (``get_environment`` in metaflow/plugins/pypi/conda_environment.py).
    """
    if not is_conda(environment):
        return {}
    step = next(step for step in flow if step.name == step_name)
    return environment.get_environment(step)


def complete_environment(environment: Any, definition: Mapping[str, Any]) -> str | None:
    """The folder of an environment on this machine, if all of it has been made."""
    prefix = environment.solvers["conda"].path_to_environment(definition["id_"])
    if prefix and "pypi" in definition and not os.path.exists(os.path.join(prefix, ".pip", "id")):
        return None
    return prefix


def remove_environment(environment: Any, env_id: str) -> None:
    """Remove what is there of an environment, whose making was not finished."""
    if prefix := environment.solvers["conda"].path_to_environment(env_id):
        shutil.rmtree(prefix, ignore_errors=True)


def fetch_packages(
    environment: Any, definition: Mapping[str, Any], solution: Mapping[str, Any], echo: Any
) -> None:
    """Put an environment's packages where micromamba and pip look for them before they download.

    They come from the datastore, as in Metaflow's bootstrap of remote tasks. A package that the
    datastore does not have is left for its channel. Local datastores keep no packages.

    Args:
        definition: What ``environment_of`` gives.
        solution: The packages by platform and kind, as the deployed manifest has them.
    """
    conda, env_id = environment.solvers["conda"], definition["id_"]
    if environment.datastore_type == "local":
        return
    from metaflow.plugins import pypi

    root = part(pypi, "_datastore_packageroot")(environment.datastore, echo)
    storage = environment.datastore(root)
    platform = conda.platform()
    packages = solution.get(platform, {})
    python = definition["conda"]["python"]
    if not conda.path_to_environment(env_id):
        wanted = packages.get("conda", [])
        cached = conda.metadata(env_id, wanted, python, platform)
        missing = [package for package in wanted if not cached[package["url"]]]
        # The name of a file in a channel is that of the package, of which a cache has one.
        _fetch(storage, missing, conda.info()["pkgs_dirs"][0])
    wheels = packages.get("pypi", [])
    if not wheels:
        return
    # Wheels lie in the environment, so that has to be made first.
    conda.download(env_id, packages["conda"], python, platform)
    conda.create(env_id, packages["conda"], python, platform)
    folder = os.path.join(conda.path_to_environment(env_id), ".pip")
    index = os.path.join(folder, "metadata")
    if os.path.exists(index):
        return
    found = _fetch(storage, wheels, os.path.join(folder, "wheels"))
    if len(found) == len(wheels):
        with open(index, "w", encoding="utf-8") as file:
            json.dump(found, file)


def packages_missing_in(prefix: str, solution: Mapping[str, Any]) -> list[str]:
    """Packages of a solution that an environment on this machine does not have.

    micromamba leaves a file for each package that it has put in; pip's are listed by Metaflow.
    """
    packages = solution.get(str(conda_platform()), {})
    folder = os.path.join(prefix, "conda-meta")
    installed = set(os.listdir(folder)) if os.path.isdir(folder) else set[str]()
    files = [unquote(os.path.basename(package["url"])) for package in packages.get("conda", [])]
    names = [file.removesuffix(".conda").removesuffix(".tar.bz2") for file in files]
    missing = [name for name in names if installed and f"{name}.json" not in installed]
    if wheels := packages.get("pypi"):
        with open(os.path.join(prefix, ".pip", "metadata"), encoding="utf-8") as file:
            known = json.load(file)
        missing += [wheel["url"] for wheel in wheels if wheel["url"] not in known]
    return missing


def _fetch(storage: Any, packages: Packages, folder: str) -> dict[str, str]:
    """Packages of the datastore, put into a folder: their files by their URLs."""
    stored = {package["path"]: package["url"] for package in packages if package.get("path")}
    found: dict[str, str] = {}
    if stored:
        os.makedirs(folder, exist_ok=True)
        with storage.load_bytes(list(stored)) as loaded:
            for key, path, _ in loaded:
                if path is not None:
                    target = os.path.join(folder, unquote(os.path.basename(key)))
                    shutil.move(path, target)
                    found[stored[key]] = target
    return found
