"""What a container of a pod is given: its command, variables and mounts."""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .store import Object, Store


class ConfigError(Exception):
    """What the kubelet calls ``CreateContainerConfigError``."""


def command(spec: Object, env: Mapping[str, str]) -> list[str]:
    parts = [*(spec.get("command") or ()), *(spec.get("args") or ())]
    return [expanded(part, env) for part in parts]


def environment(store: Store, pod: Object, spec: Object) -> dict[str, str]:
    """A container's variables, resolved (kubelet_pods.go, makeEnvironmentVariables).

    Raises:
        ConfigError: a secret or config map, or a key of it, is missing.
    """
    namespace = pod["metadata"]["namespace"]
    env: dict[str, str] = {}
    for source in spec.get("envFrom") or ():
        for field, kind in (("configMapRef", "configmaps"), ("secretRef", "secrets")):
            if ref := source.get(field):
                data = _data(store, kind, namespace, ref)
                env |= {source.get("prefix", "") + name: value for name, value in data.items()}
    for entry in spec.get("env") or ():
        name, source = entry["name"], entry.get("valueFrom")
        if source is None:
            env[name] = expanded(entry.get("value") or "", env)
        elif ref := source.get("fieldRef"):
            env[name] = field_of(pod, ref["fieldPath"])
        elif ref := source.get("resourceFieldRef"):
            what, _, field = ref["resource"].partition(".")
            env[name] = str(((spec.get("resources") or {}).get(what) or {}).get(field, "0"))
        else:
            kind = "secrets" if "secretKeyRef" in source else "configmaps"
            ref = source.get("secretKeyRef") or source["configMapKeyRef"]
            data = _data(store, kind, namespace, ref)
            if ref["key"] in data:
                env[name] = data[ref["key"]]
            elif not ref.get("optional"):
                raise ConfigError(f"couldn't find key {ref['key']} in {namespace}/{ref['name']}")
    return env


def _data(store: Store, kind: str, namespace: str, ref: Object) -> dict[str, str]:
    found = store.find(kind, namespace, ref["name"])
    if found is None:
        if ref.get("optional"):
            return {}
        raise ConfigError(f'{kind[:-1]} "{ref["name"]}" not found')
    data = dict(found.get("data") or {})
    if kind == "secrets":
        data = {name: base64.b64decode(value).decode() for name, value in data.items()}
        data |= found.get("stringData") or {}
    return data


def field_of(pod: Object, path: str) -> str:
    """The downward API: ``metadata.name``, ``metadata.annotations['key']``, ``status.hostIP``."""
    if match := re.fullmatch(r"metadata\.(labels|annotations)\['([^']+)'\]", path):
        return str((pod["metadata"].get(match[1]) or {}).get(match[2], ""))
    value: Any = pod
    for name in path.split("."):
        value = (value or {}).get(name)
    return "" if value is None else str(value)


def expanded(text: str, env: Mapping[str, str]) -> str:
    """``$(NAME)`` replaced where it is known; ``$$(NAME)`` is ``$(NAME)`` (expand.go)."""

    def replace(match: re.Match[str]) -> str:
        if match[0].startswith("$$"):
            return match[0][1:]
        return env.get(match[1], match[0])

    return re.sub(r"\$?\$\(([A-Za-z_.][\w.-]*)\)", replace, text)


def mount(store: Store, pod: Object, spec: Object, below: Path) -> None:
    """Write what volumes of config maps and secrets hold, where they are mounted below a folder.

    Elsewhere on the machine nothing is written: containers share its file system.

    Raises:
        ConfigError: a secret or config map is missing.
    """
    volumes = {volume["name"]: volume for volume in pod["spec"].get("volumes") or ()}
    for entry in spec.get("volumeMounts") or ():
        path, volume = Path(entry["mountPath"]), volumes[entry["name"]]
        if below not in path.parents:
            continue
        for field, kind, key in (
            ("configMap", "configmaps", "name"),
            ("secret", "secrets", "secretName"),
        ):
            if source := volume.get(field):
                ref = {"name": source[key], "optional": source.get("optional")}
                data = _data(store, kind, pod["metadata"]["namespace"], ref)
                if sub := entry.get("subPath"):
                    _write(path, data[sub])
                else:
                    for name, text in data.items():
                        _write(path / name, text)


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_name(f".{path.name}.{os.getpid()}")
    scratch.write_text(text)
    scratch.replace(path)
