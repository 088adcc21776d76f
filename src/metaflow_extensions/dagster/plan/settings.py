"""Metaflow settings that a generated file carries, so that steps use the backends of the deploy.

Metaflow resolves settings from the environment, ``.metaflow/config.json``, the profile's
``config_<profile>.json`` and ``config.json`` (``from_conf`` in metaflow/metaflow_config_funcs.py).
Only names listed here are written into the file. Whatever may authenticate somebody (the service's
key and headers, credentials of clouds, client parameters) stays where it is: processes that run
steps find it as every Metaflow process does, in their own environment or profile.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

from .._metaflow_internals import settings
from ..contract import variables

_PREFIX = "METAFLOW_"

# Baked also where they have Metaflow's default, so that another default where steps run is no
# matter.
_ALWAYS = frozenset(["DEFAULT_DATASTORE", "DEFAULT_METADATA"])
_LOCAL_PATHS = frozenset(["DATASTORE_SYSROOT_LOCAL", "DATATOOLS_LOCALROOT", "CARD_LOCALROOT"])
_BAKED = (
    _ALWAYS
    | _LOCAL_PATHS
    | frozenset(
        [
            *("DATASTORE_SYSROOT_AZURE", "DATASTORE_SYSROOT_GS", "DATASTORE_SYSROOT_S3"),
            *("DATATOOLS_AZUREROOT", "DATATOOLS_GSROOT", "DATATOOLS_S3ROOT", "DATATOOLS_SUFFIX"),
            *("CARD_AZUREROOT", "CARD_GSROOT", "CARD_S3ROOT"),
            *("SERVICE_URL", "SERVICE_INTERNAL_URL", "UI_URL"),
            *("S3_ENDPOINT_URL", "S3_SERVER_SIDE_ENCRYPTION", "S3_VERIFY_CERTIFICATE"),
            "AZURE_STORAGE_BLOB_SERVICE_ENDPOINT",
            *("DEFAULT_AWS_CLIENT_PROVIDER", "DEFAULT_AZURE_CLIENT_PROVIDER"),
            "DEFAULT_GCP_CLIENT_PROVIDER",
            # Where @secrets looks, not what it finds.
            *("DEFAULT_SECRETS_BACKEND_TYPE", "DEFAULT_SECRETS_ROLE"),
            *("AWS_SECRETS_MANAGER_DEFAULT_REGION", "AWS_SECRETS_MANAGER_DEFAULT_ROLE"),
            *("GCP_SECRET_MANAGER_PREFIX", "AZURE_KEY_VAULT_PREFIX"),
            # Where @kubernetes and @batch run; their launch takes place in a step's process.
            *("DEFAULT_CONTAINER_IMAGE", "DEFAULT_CONTAINER_REGISTRY"),
            *("KUBERNETES_NAMESPACE", "KUBERNETES_SERVICE_ACCOUNT", "KUBERNETES_SECRETS"),
            *("KUBERNETES_CONTAINER_IMAGE", "KUBERNETES_CONTAINER_REGISTRY"),
            *("KUBERNETES_IMAGE_PULL_POLICY", "KUBERNETES_IMAGE_PULL_SECRETS"),
            *("KUBERNETES_NODE_SELECTOR", "KUBERNETES_TOLERATIONS"),
            *("KUBERNETES_LABELS", "KUBERNETES_ANNOTATIONS", "KUBERNETES_PORT", "KUBERNETES_QOS"),
            *("KUBERNETES_CPU", "KUBERNETES_MEMORY", "KUBERNETES_DISK", "KUBERNETES_GPU_VENDOR"),
            *("KUBERNETES_SHARED_MEMORY", "KUBERNETES_PERSISTENT_VOLUME_CLAIMS"),
            *("KUBERNETES_JOB_TERMINATE_MODE", "KUBERNETES_JOB_TTL_SECONDS_AFTER_FINISHED"),
            *("KUBERNETES_JOBSET_GROUP", "KUBERNETES_JOBSET_VERSION"),
            # The second says which of its environments a pod takes: that of its architecture.
            *("KUBERNETES_FETCH_EC2_METADATA", "KUBERNETES_CONDA_ARCH"),
            *("BATCH_JOB_QUEUE", "BATCH_CONTAINER_IMAGE", "BATCH_CONTAINER_REGISTRY"),
            *("BATCH_EMIT_TAGS", "BATCH_DEFAULT_TAGS"),
            *("ECS_S3_ACCESS_IAM_ROLE", "ECS_FARGATE_EXECUTION_ROLE"),
            # Both hand on to a container where traces go.
            *("OTEL_ENDPOINT", "OTEL_SERVICE_NAME"),
        ]
    )
)
_BAKED_PREFIX = "CONDA_"

_SECRET_NAME = re.compile(
    r"(?i)(passw(or)?d|passphrase|secret|token|credentials?|(api|access|private)[_-]?key)$"
)
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^\s,;|]+")


def bake_settings(
    env: Mapping[str, str],
    config: Mapping[str, str] | None = None,
    *,
    warn: Callable[[str], None] | None = None,
) -> dict[str, str]:
    """The environment variables that every Metaflow process of the deployment is given.

    Args:
        env: The environment of the deploy: whose it is, and where Metaflow's settings are.
        config: Settings by their names in the environment; None takes those that Metaflow has
            resolved in this process.
        warn: Told about each setting that is left out because it holds credentials. The text
            names the setting and does not repeat its value.

    Returns:
        Variables by name, sorted.
    """
    if config is None:
        config = _resolved_config()
    baked: dict[str, str] = {}
    for variable, value in config.items():
        name = variable.removeprefix(_PREFIX)
        if variable != name and _is_baked(name):
            baked[variable] = os.path.abspath(value) if name in _LOCAL_PATHS else value
    if env.get("METAFLOW_HOME"):
        # Secrets that are not in this file may be in a profile there.
        baked["METAFLOW_HOME"] = os.path.abspath(os.path.expanduser(env["METAFLOW_HOME"]))
    user = _user(env, config)
    if user:
        baked["METAFLOW_USER"] = user
        # Whom a branch `user.<name>` belongs to (metaflow/plugins/project_decorator.py).
        baked["METAFLOW_OWNER"] = env.get("METAFLOW_OWNER") or user
    if env.get(variables.CARDS_URL):
        baked[variables.CARDS_URL] = env[variables.CARDS_URL]
    for variable in [name for name, value in baked.items() if may_authenticate(value)]:
        del baked[variable]
        if warn:
            warn(
                f"{variable} seems to hold credentials and is not written into the file. "
                "Set it where Dagster runs the steps."
            )
    return dict(sorted(baked.items()))


def _resolved_config() -> dict[str, str]:
    """Settings that differ from Metaflow's defaults, and those baked in any case.

    Metaflow's own ``config_values`` fails at settings that are not used here: once S3 has been
    accessed, DATATOOLS_CLIENT_PARAMS holds an object that is no JSON.
    """
    found: dict[str, str] = {}
    for variable, setting in settings().items():
        name = variable.removeprefix(_PREFIX)
        is_wanted = name in _ALWAYS or (
            not setting.is_default and (name == "USER" or _is_baked(name))
        )
        if is_wanted and setting.value is not None:
            found[variable] = setting.serializer(setting.value)
    return found


def _is_baked(name: str) -> bool:
    return name in _BAKED or name.startswith(_BAKED_PREFIX)


def _user(env: Mapping[str, str], config: Mapping[str, str]) -> str | None:
    """Who deploys, as Metaflow finds out (``get_username`` in metaflow/util.py)."""
    named = [config.get("METAFLOW_USER")]
    named += [env.get(name) for name in ("SUDO_USER", "USERNAME", "USER")]
    return next((name for name in named if name and name != "root"), None)


def names_secret(name: str) -> bool:
    """Whether what has this name opens doors, by its last word: ``password``, ``API_TOKEN``."""
    return bool(_SECRET_NAME.search(name))


def may_authenticate(value: str) -> bool:
    """Whether a value has a part that opens doors: a password or token in a URL.

    A query may be a signature (S3, Azure's SAS), and conda's channels have tokens in their paths
    (``/t/<token>/``).
    """
    if re.search(r"[^\s/:]+:[^\s/@]+@", value):
        return True
    urls: list[str] = _URL.findall(value)
    for url in urls:
        try:
            parts = urlsplit(url)
        except ValueError:
            return True  # Not a URL that anybody could take apart.
        if "@" in parts.netloc or parts.query or parts.fragment:
            return True
        if re.match(r"/t/[^/]+/", parts.path):
            return True
    return False
