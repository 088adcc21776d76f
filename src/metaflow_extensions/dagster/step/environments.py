"""Environments of ``@conda`` and ``@pypi`` on the machine that runs a step.

Metaflow makes them while it builds a code package (``MetaflowPackage.__init__``), from the solution
in its local manifest or, without one, anew. Here the deployed package's manifest is the solution.
"""

from __future__ import annotations

import fcntl
import json
import os
from io import BytesIO
from typing import TYPE_CHECKING, Any

from .._metaflow_internals.package import MetaflowPackage, is_conda, use_extracted
from ..contract import _cache_folder

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
    """
    environment = state.environment
    if not is_conda(environment):
        return
    step = next(step for step in state.flow if step.name == step_name)
    env_id = environment.get_environment(step).get("id_")
    if env_id is None:
        return
    sha = os.environ["METAFLOW_CODE_SHA"]
    blob = next(iter(state.flow_datastore.load_data([sha])))[1]
    # Beside the result: the op removes this folder when the attempt has ended.
    folder = os.path.join(os.path.dirname(os.environ["METAFLOW_DAGSTER_RESULT"]), "code")
    MetaflowPackage.cls_extract_into(metadata, BytesIO(blob), folder)
    variables = MetaflowPackage.get_post_extract_env_vars(metadata, folder)
    use_extracted(decorators, folder, variables)
    manifest = os.path.join(folder, ".mf_meta", "conda.manifest")
    solution: dict[str, Any] = {}
    if os.path.exists(manifest):
        with open(manifest, encoding="utf-8") as file:
            solution = json.load(file).get(env_id, {})
    cache = _cache_folder()
    os.makedirs(cache, mode=0o700, exist_ok=True)
    # The kernel lets go of the lock when its holder ends, however it ends.
    with open(os.path.join(cache, "environments.lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if solution:
            environment.write_to_environment_manifest([env_id], solution)
        environment.init_environment(state.echo, only_steps=[step_name])
