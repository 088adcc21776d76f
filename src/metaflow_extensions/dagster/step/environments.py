"""Environments of ``@conda`` and ``@pypi`` on the machine that runs a step.

Metaflow makes them while it builds a code package (``MetaflowPackage.__init__``), from the solution
in its local manifest or, without one, anew. Here the deployed package's manifest is the solution.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Mapping
from io import BytesIO
from typing import TYPE_CHECKING, Any

from .._metaflow_internals.environments import (
    complete_environment,
    environment_of,
    fetch_packages,
    packages_missing_in,
    remove_environment,
)
from .._metaflow_internals.package import MetaflowPackage, use_extracted
from ..contract import cache_folder, variables
from ..errors import DagsterRunError

if TYPE_CHECKING:
    from .._metaflow_internals.types import CliState


def prepare_environment(
    state: CliState, step_name: str, decorators: list[Any], metadata: str
) -> None:
    """Make the step's environment of what was deployed, unless this machine has it.

    Does nothing where the environment is not of conda's kind, or is disabled for the step.

    Args:
        state: Metaflow's ``CliState`` with the flow loaded.
        step_name: The step.
        decorators: Its decorators; that of the environment is told where the code is unpacked.
        metadata: What Metaflow says of the format of the deployed package.

    Raises:
        DagsterRunError: it would be another environment than the deployed one.
    """
    environment = state.environment
    definition = environment_of(environment, state.flow, step_name)
    env_id = definition.get("id_")
    if env_id is None:
        return
    _check_id(step_name, env_id, definition)
    sha = os.environ["METAFLOW_CODE_SHA"]
    blob = next(iter(state.flow_datastore.load_data([sha])))[1]
    # Beside the result: the op removes this folder when the attempt has ended.
    folder = os.path.join(os.path.dirname(os.environ[variables.RESULT]), "code")
    MetaflowPackage.cls_extract_into(metadata, BytesIO(blob), folder)
    found = MetaflowPackage.get_post_extract_env_vars(metadata, folder)
    use_extracted(decorators, folder, found)
    solution = _solution(step_name, definition, folder)
    prefix = _make(state, step_name, definition, solution)
    if missing := packages_missing_in(prefix, solution):
        raise DagsterRunError(
            f"The environment of step {step_name} on this machine, {prefix}, was made from another "
            f"solution than the deployed one: it lacks {missing[0]}. Remove that folder when no "
            "task uses it; the next task makes it again."
        )


def _check_id(step_name: str, env_id: str, definition: Mapping[str, Any]) -> None:
    """Compare the environment with that of the definitions file, which older ones do not have."""
    deployed = os.environ.get(variables.STEP_ENVIRONMENT_ID, env_id)
    if env_id != deployed:
        python, platforms = definition["conda"]["python"], definition["conda"]["platforms"]
        raise DagsterRunError(
            f"Step {step_name} was deployed with the environment {deployed}, and has {env_id} on "
            f"this machine: with Python {python} for {', '.join(sorted(platforms))} and this "
            "datastore. Name a version of Python in the decorator (python=...) or use the one "
            "that deployed it, on the same kind of platform; then deploy the flow again."
        )


def _solution(step_name: str, definition: Mapping[str, Any], folder: str) -> dict[str, Any]:
    """The packages of an environment by platform and kind, as they were deployed.

    Args:
        definition: The step's environment.
        folder: Where the code package is unpacked.
    """
    path = os.path.join(folder, ".mf_meta", "conda.manifest")
    manifest: dict[str, Any] = {}
    if os.path.exists(path):
        with open(path, encoding="utf-8") as file:
            manifest = json.load(file)
    solution = manifest.get(definition["id_"], {})
    for kind in ("conda", "pypi"):
        for platform in definition.get(kind, {}).get("platforms", []):
            if kind not in solution.get(platform, {}):
                raise DagsterRunError(
                    f"The code package has no {kind} packages for {platform} and the environment "
                    f"{definition['id_']} of step {step_name} in its conda.manifest. They are not "
                    "solved again, as that could give others. Deploy the flow again."
                )
    return solution


def _make(
    state: CliState, step_name: str, definition: Mapping[str, Any], solution: dict[str, Any]
) -> str:
    """Make an environment that is not here yet, once for all processes. Returns its folder.

    One that was not finished, because its maker was ended, is made anew: nothing of Metaflow's or
    of micromamba's tells it from a complete one.
    """
    environment: Any = state.environment  # of conda's kind
    env_id: str = definition["id_"]
    cache = cache_folder()
    os.makedirs(cache, mode=0o700, exist_ok=True)
    unfinished = os.path.join(cache, f"environment-{env_id}.unfinished")
    # The kernel lets go of the lock when its holder ends, however it ends.
    with open(os.path.join(cache, "environments.lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        prefix = complete_environment(environment, definition)
        if prefix and not os.path.exists(unfinished):
            return prefix
        if os.path.exists(unfinished):
            remove_environment(environment, env_id)
        open(unfinished, "w").close()
        environment.write_to_environment_manifest([env_id], solution)
        fetch_packages(environment, definition, solution, state.echo)
        environment.init_environment(state.echo, only_steps=[step_name])
        os.unlink(unfinished)
        prefix = complete_environment(environment, definition)
        assert prefix, f"micromamba does not list the environment {env_id} that it has made"
        return prefix
