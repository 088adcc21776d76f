"""What an API server refuses, and the defaults that it fills in."""

from __future__ import annotations

import re
from collections.abc import Iterator

from .store import ApiError, Object

_NAME = re.compile(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?")
_LABEL_NAME = re.compile(
    r"([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?/)?[A-Za-z0-9]([-\w.]{0,61}[A-Za-z0-9])?"
)
_LABEL_VALUE = re.compile(r"([A-Za-z0-9]([-\w.]{0,61}[A-Za-z0-9])?)?")
_ENV_NAME = re.compile(r"[A-Za-z_.-][\w.-]*")
_QUANTITY = re.compile(r"\d+(\.\d*)?([eE][+-]?\d+|[munKMGTPEk]|[KMGTPE]i)?")


def check(kind: str, body: Object) -> None:
    """Refuse what is malformed.

    The rules are those of apimachinery/pkg/util/validation and pkg/apis/core/validation.

    Raises:
        ApiError: 422, with all that is wrong.
    """
    problems = list(_metadata("metadata", body.get("metadata") or {}))
    meta = body.get("metadata") or {}
    if not meta.get("name") and not meta.get("generateName"):
        problems.append("metadata.name: Required value: name or generateName is required")
    if kind == "jobs":
        problems += _job("spec", body.get("spec") or {}, len(meta.get("name") or ""))
    if kind == "jobsets":
        for index, job in enumerate(body.get("spec", {}).get("replicatedJobs", ())):
            where = f"spec.replicatedJobs[{index}].template.spec"
            problems += _job(where, job["template"]["spec"], 0)
    if problems:
        message = f'{kind} "{meta.get("name", "")}" is invalid: ' + ", ".join(problems)
        raise ApiError(422, "Invalid", message)


def _metadata(where: str, meta: Object) -> Iterator[str]:
    name = meta.get("name") or ""
    if name and (len(name) > 253 or not _NAME.fullmatch(name)):
        yield f'{where}.name: Invalid value: "{name}": a lowercase RFC 1123 subdomain is required'
    for key, value in (meta.get("labels") or {}).items():
        if not _LABEL_NAME.fullmatch(key):
            yield f'{where}.labels: Invalid value: "{key}": no qualified name'
        if not isinstance(value, str) or not _LABEL_VALUE.fullmatch(value):
            yield f'{where}.labels: Invalid value: "{value}": no label value'
    for key, value in (meta.get("annotations") or {}).items():
        if not _LABEL_NAME.fullmatch(key.lower()):
            yield f'{where}.annotations: Invalid value: "{key}": no qualified name'
        if not isinstance(value, str):
            yield f"{where}.annotations[{key}]: Invalid value: no string"


def _job(where: str, spec: Object, name_length: int) -> Iterator[str]:
    if name_length > 63:  # validateJobSpec: the job's name becomes a label of its pods
        yield "metadata.name: Invalid value: must be no more than 63 characters"
    template = spec.get("template") or {}
    yield from _metadata(f"{where}.template.metadata", template.get("metadata") or {})
    pod: Object = template.get("spec") or {}
    if pod.get("restartPolicy") not in ("Never", "OnFailure"):
        yield f"{where}.template.spec.restartPolicy: Required value: OnFailure or Never"
    if not pod.get("containers"):
        yield f"{where}.template.spec.containers: Required value"
    volumes = {volume["name"] for volume in pod.get("volumes") or ()}
    for index, container in enumerate(pod.get("containers") or []):
        here = f"{where}.template.spec.containers[{index}]"
        if not container.get("image"):
            yield f"{here}.image: Required value"
        if not re.fullmatch(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", container.get("name") or ""):
            yield f'{here}.name: Invalid value: "{container.get("name")}": no RFC 1123 label'
        for entry in container.get("env") or []:
            if not _ENV_NAME.fullmatch(entry["name"]):
                yield f'{here}.env: Invalid value: "{entry["name"]}"'
            if not isinstance(entry.get("value") or "", str):
                yield f"{here}.env[{entry['name']}].value: no string"
        for entry in container.get("volumeMounts") or []:
            if entry["name"] not in volumes:
                yield f'{here}.volumeMounts: Not found: "{entry["name"]}"'
        resources: Object = container.get("resources") or {}
        for part in ("requests", "limits"):
            for name, amount in (resources.get(part) or {}).items():
                if not _QUANTITY.fullmatch(str(amount)):
                    yield f'{here}.resources.{part}[{name}]: Invalid value: "{amount}"'


def fill_job(spec: Object) -> None:
    """SetDefaults_Job of pkg/apis/batch/v1/defaults.go, and those of the pod that matter here."""
    if spec.get("completions") is None and spec.get("parallelism") is None:
        spec["completions"] = 1
    if spec.get("parallelism") is None:
        spec["parallelism"] = 1
    if spec.get("backoffLimit") is None:
        spec["backoffLimit"] = 6
    spec["suspend"] = bool(spec.get("suspend"))
    pod = spec["template"]["spec"]
    if not pod.get("serviceAccountName"):
        pod["serviceAccountName"] = pod.get("serviceAccount") or "default"
    if pod.get("terminationGracePeriodSeconds") is None:
        pod["terminationGracePeriodSeconds"] = 30
    for container in pod["containers"]:
        if not container.get("imagePullPolicy"):
            tag = container["image"].rpartition("/")[2].partition(":")[2]
            container["imagePullPolicy"] = "Always" if tag in ("", "latest") else "IfNotPresent"
