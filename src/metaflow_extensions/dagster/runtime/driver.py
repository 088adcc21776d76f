"""Where the part of metaflow-dagster is that runs Metaflow."""

import hashlib
import os
import shutil
import sys
import tempfile
from functools import cache
from io import BytesIO
from pathlib import Path
from types import ModuleType
from typing import Any

from dagster import Failure

from ..contract import cache_folder
from .flow import _Flow


@cache
def _driver(flow: _Flow) -> ModuleType:
    """metaflow-dagster's functions that run Metaflow: the installed ones, else the deployed ones.

    A code package has a copy of them.
    """
    try:
        from metaflow_extensions.dagster.driver import api  # pyright: ignore
    except ImportError:
        _use_code_package(flow)
        from metaflow_extensions.dagster.driver import api  # pyright: ignore
    return api


def _use_code_package(flow: _Flow) -> None:
    """Let this process import from the code package, which is unpacked once for a machine.

    Raises:
        Failure: the package is not what was deployed.
    """
    for name, value in flow.metaflow_step_env.items():
        os.environ.setdefault(name, value)  # Metaflow reads them when it is imported
    from metaflow import plugins
    from metaflow.package import MetaflowPackage

    sha, metadata = flow.code_package_sha, flow.code_package_metadata
    folder = os.path.join(cache_folder(), "packages", sha)
    if not os.path.isdir(folder):
        options = dict(
            arg.split("=", 1) for arg in flow.metaflow_top_args if "=" in arg
        )
        kinds: Any = plugins.DATASTORES
        storage = next(s for s in kinds if s.TYPE == options["--datastore"])
        name = f"{flow.flow_name}/data/{sha[:2]}/{sha}"
        with storage(options["--datastore-root"]).load_bytes([name]) as loaded:
            blobs = [Path(path).read_bytes() for _, path, _ in loaded if path]
        if [hashlib.sha1(blob).hexdigest() for blob in blobs] != [sha]:
            raise Failure(
                f"The code package of this deployment is gone or damaged: {flow.code_package_url}\n"
                "Deploy the flow again, with the command at the top of the definitions file.",
                allow_retries=False,
            )
        os.makedirs(os.path.dirname(folder), mode=0o700, exist_ok=True)
        scratch = tempfile.mkdtemp(dir=os.path.dirname(folder))
        MetaflowPackage.cls_extract_into(metadata, BytesIO(blobs[0]), scratch)
        try:
            os.rename(scratch, folder)
        except OSError:  # another process was faster
            shutil.rmtree(scratch)
    variables = MetaflowPackage.get_post_extract_env_vars(metadata, folder)
    sys.path += variables["PYTHONPATH"].split(os.pathsep)
