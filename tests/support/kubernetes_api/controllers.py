"""The controllers of jobs and job sets, and the garbage collector."""

from __future__ import annotations

import copy
import time
from typing import Any

from .kubelet import Kubelet, set_condition
from .rules import fill_job
from .store import Object, Store, now, suffix

_JOBSET = "jobset.sigs.k8s.io"


class Controllers:
    """What makes the cluster as its objects say."""

    def __init__(self, store: Store, kubelet: Kubelet) -> None:
        self.backoff_seconds = 0.5
        """Before a job's first failed pod is replaced; a real cluster waits 10 s."""
        self._store = store
        self._kubelet = kubelet
        self._counted: dict[str, dict[str, str]] = {}  # by job and pod: "", succeeded or failed
        self._next_pod: dict[str, float] = {}
        self._since: dict[str, float] = {}

    def tick(self) -> None:
        for jobset in self._store.list("jobsets"):
            self._jobset(jobset)
        for job in self._store.list("jobs"):
            self._job(job)
        self._collect_garbage()

    # -- Jobs (pkg/controller/job/job_controller.go) -----------------------------------------

    def _job(self, job: Object) -> None:
        uid, spec = job["metadata"]["uid"], job["spec"]
        if finished_as(job):
            ttl = spec.get("ttlSecondsAfterFinished")
            if ttl is not None and time.monotonic() > self._since[uid] + ttl:
                self._remove("jobs", job)
            return
        pods = self._pods_of(job)
        began = self._since.setdefault(uid, time.monotonic())
        counted = self._count(uid, pods)
        succeeded = sum(how == "succeeded" for how in counted.values())
        failed = sum(how == "failed" for how in counted.values())
        active = [pod for pod in pods if _is_active(pod)]
        end = None
        limit = spec.get("activeDeadlineSeconds")
        if failed > spec["backoffLimit"]:
            message = "Job has reached the specified backoff limit"
            end = ("Failed", "BackoffLimitExceeded", message)
        elif limit is not None and time.monotonic() > began + limit:
            message = "Job was active longer than specified deadline"
            end = ("Failed", "DeadlineExceeded", message)
        elif succeeded >= (spec.get("completions") or 1):
            end = ("Complete", "CompletionsReached", "Reached expected number of succeeded pods")
        wanted = 0
        if end is None and not spec["suspend"]:
            wanted = min(spec["parallelism"], (spec.get("completions") or 1) - succeeded)
        for pod in active[wanted:]:
            counted[pod["metadata"]["uid"]] = "released"
            self.delete_pod(pod)
        active = active[:wanted]
        if failed and uid not in self._next_pod:
            self._next_pod[uid] = time.monotonic() + self.backoff_seconds
        if len(active) < wanted and time.monotonic() >= self._next_pod.get(uid, 0):
            self._next_pod.pop(uid, None)
            active += self._create_pods(job, wanted - len(active))
        ready = sum(pod["status"]["phase"] == "Running" for pod in active)

        def tell(it: Object) -> None:
            status = it.setdefault("status", {})
            status |= {"active": len(active), "ready": ready}
            status |= {"succeeded": succeeded, "failed": failed}
            for name in ("active", "succeeded", "failed"):  # numbers that are left out where 0
                if not status[name]:
                    del status[name]
            if not spec["suspend"]:
                status.setdefault("startTime", now())
            if spec["suspend"] or any(
                c["type"] == "Suspended" for c in status.get("conditions", ())
            ):
                set_condition(status, "Suspended", str(bool(spec["suspend"])), "JobSuspended")
            if end:
                set_condition(status, end[0], "True", *end[1:])
                if end[0] == "Complete":
                    status["completionTime"] = now()

        self._store.update("jobs", job["metadata"]["namespace"], job["metadata"]["name"], tell)
        if end:
            self._since[uid] = time.monotonic()
            kind = "Normal" if end[0] == "Complete" else "Warning"
            self._kubelet.event(job, kind, end[1], end[2])

    def _count(self, uid: str, pods: list[Object]) -> dict[str, str]:
        """How each pod of a job has ended. One that is gone without an end has failed."""
        counted = self._counted.setdefault(uid, {})
        there = {pod["metadata"]["uid"]: pod for pod in pods}
        for pod_uid, pod in there.items():
            phase = pod["status"]["phase"]
            if not counted.get(pod_uid):
                counted[pod_uid] = phase.lower() if phase in ("Succeeded", "Failed") else ""
        for pod_uid in counted.keys() - there.keys():
            counted[pod_uid] = counted[pod_uid] or "failed"
        return counted

    def _create_pods(self, job: Object, number: int) -> list[Object]:
        meta, template = job["metadata"], job["spec"]["template"]
        account = template["spec"]["serviceAccountName"]
        if not self._store.find("serviceaccounts", meta["namespace"], account):
            message = f'Error creating: error looking up service account "{account}": not found'
            self._next_pod[meta["uid"]] = time.monotonic() + 1
            self._kubelet.event(job, "Warning", "FailedCreate", message)
            return []
        labels = {"job-name": meta["name"], "controller-uid": meta["uid"]}
        labels |= {f"batch.kubernetes.io/{name}": value for name, value in labels.items()}
        given = template.get("metadata") or {}
        made = []
        for _ in range(number):
            body: Object = {
                "metadata": {
                    "name": f"{meta['name'][:57]}-{suffix()}",
                    "generateName": f"{meta['name']}-",
                    "labels": {**(given.get("labels") or {}), **labels},
                    "annotations": dict(given.get("annotations") or {}),
                    "ownerReferences": [_owner(job)],
                },
                "spec": template["spec"],
                "status": {"phase": "Pending", "qosClass": "Burstable"},
            }
            pod = self._store.create("pods", meta["namespace"], body)
            self._counted[meta["uid"]][pod["metadata"]["uid"]] = ""
            made.append(pod)
        return made

    def _pods_of(self, job: Object) -> list[Object]:
        uid, space = job["metadata"]["uid"], job["metadata"]["namespace"]
        return [pod for pod in self._store.list("pods", space) if _owned_by(pod, uid)]

    # -- Job sets (sigs.k8s.io/jobset, pkg/controllers/jobset_controller.go) ------------------

    def _jobset(self, jobset: Object) -> None:
        meta, spec = jobset["metadata"], jobset["spec"]
        if finished_as(jobset):
            return
        in_order = (spec.get("startupPolicy") or {}).get("startupPolicyOrder") == "InOrder"
        statuses, number, is_blocked = [], 0, False
        for replicated in spec["replicatedJobs"]:
            replicas = int(replicated.get("replicas", 1))
            jobs = []
            for index in range(replicas):
                name = f"{meta['name']}-{replicated['name']}-{index}"
                job = self._store.find("jobs", meta["namespace"], name)
                if job is None and not is_blocked:
                    job = self._create_job(jobset, replicated, index, number, name)
                jobs += [job] if job else []
                number += 1
            status = _replicated_status(replicated["name"], jobs)
            statuses.append(status)
            if in_order and status["ready"] + status["succeeded"] < replicas:
                is_blocked = True
        wanted = sum(int(job.get("replicas", 1)) for job in spec["replicatedJobs"])
        end = None
        if any(status["failed"] for status in statuses):
            end = ("Failed", "FailedJobs", "jobset failed due to one or more job failures")
        elif wanted and sum(status["succeeded"] for status in statuses) == wanted:
            end = ("Completed", "AllJobsCompleted", "jobset completed successfully")

        def tell(it: Object) -> None:
            it["status"] = {**(it.get("status") or {}), "replicatedJobsStatus": statuses}
            if end:
                set_condition(it["status"], end[0], "True", *end[1:])

        self._store.update("jobsets", meta["namespace"], meta["name"], tell)
        if end and end[0] == "Failed":
            for job in self._store.list("jobs", meta["namespace"]):
                if _owned_by(job, meta["uid"]) and not finished_as(job):
                    self._remove("jobs", job)

    def _create_job(
        self, jobset: Object, replicated: Object, index: int, number: int, name: str
    ) -> Object:
        meta = jobset["metadata"]
        marks = {
            f"{_JOBSET}/jobset-name": meta["name"],
            f"{_JOBSET}/jobset-uid": meta["uid"],
            f"{_JOBSET}/replicatedjob-name": replicated["name"],
            f"{_JOBSET}/replicatedjob-replicas": str(replicated.get("replicas", 1)),
            f"{_JOBSET}/job-index": str(index),
            f"{_JOBSET}/job-global-index": str(number),
            f"{_JOBSET}/restart-attempt": "0",
        }
        template: Any = copy.deepcopy(replicated["template"])
        given = dict(template.get("metadata") or {})
        spec: Object = {**template["spec"]}
        pod = spec["template"]
        pod_meta = dict(pod.get("metadata") or {})
        hostname = f"{name}-0"
        spec["template"] = {
            "metadata": {
                "labels": {**(pod_meta.get("labels") or {}), **marks},
                "annotations": {**(pod_meta.get("annotations") or {}), **marks},
            },
            "spec": {**pod["spec"], "hostname": hostname, "subdomain": meta["name"]},
        }
        fill_job(spec)
        body: Object = {
            "metadata": {
                "name": name,
                "labels": {**(given.get("labels") or {}), **marks},
                "annotations": {**(given.get("annotations") or {}), **marks},
                "ownerReferences": [_owner(jobset)],
            },
            "spec": spec,
            "status": {},
        }
        return self._store.create("jobs", meta["namespace"], body)

    # -- Deletion ----------------------------------------------------------------------------

    def delete_pod(self, pod: Object, grace: float | None = None) -> None:
        """Mark a pod, for the kubelet to end it."""
        if grace is None:
            grace = pod["spec"].get("terminationGracePeriodSeconds", 30)

        def mark(it: Object) -> None:
            it["metadata"].setdefault("deletionTimestamp", now())
            before = it["metadata"].get("deletionGracePeriodSeconds", grace)
            it["metadata"]["deletionGracePeriodSeconds"] = min(before, grace)

        self._store.update("pods", pod["metadata"]["namespace"], pod["metadata"]["name"], mark)

    def delete(self, kind: str, owner: Object, policy: str) -> None:
        """Remove an object: what it owns goes too (Background, Foreground) or stays (Orphan)."""
        if policy == "Orphan":
            uid = owner["metadata"]["uid"]
            for dependent in ("jobs", "pods"):
                for found in self._store.list(dependent, owner["metadata"]["namespace"]):
                    if _owned_by(found, uid):
                        meta = found["metadata"]
                        self._store.update(
                            dependent,
                            meta["namespace"],
                            meta["name"],
                            lambda it: it["metadata"].pop("ownerReferences"),
                        )
        self._remove(kind, owner)

    def _remove(self, kind: str, body: Object) -> None:
        self._store.remove(kind, body["metadata"]["namespace"], body["metadata"]["name"])

    def _collect_garbage(self) -> None:
        kinds = ("jobs", "pods", "jobsets")
        found = {kind: self._store.list(kind) for kind in kinds}
        there = {body["metadata"]["uid"] for bodies in found.values() for body in bodies}
        for kind in ("jobs", "pods"):
            for body in found[kind]:
                owners = body["metadata"].get("ownerReferences") or ()
                if not owners or any(owner["uid"] in there for owner in owners):
                    continue
                if kind == "jobs":
                    self._remove(kind, body)
                elif not body["metadata"].get("deletionTimestamp"):
                    self.delete_pod(body)


def finished_as(body: Object) -> str | None:
    """The condition by which a job or a job set is finished."""
    for condition in (body.get("status") or {}).get("conditions") or ():
        if condition["type"] in ("Complete", "Completed", "Failed"):
            return condition["type"] if condition["status"] == "True" else None
    return None


def _replicated_status(name: str, jobs: list[Object]) -> Object:
    def count(has: Any) -> int:
        return sum(bool(has(job)) for job in jobs)

    return {
        "name": name,
        "ready": count(lambda job: (job.get("status") or {}).get("ready") and not finished_as(job)),
        "active": count(lambda job: (job.get("status") or {}).get("active")),
        "succeeded": count(lambda job: finished_as(job) == "Complete"),
        "failed": count(lambda job: finished_as(job) == "Failed"),
        "suspended": count(lambda job: job["spec"]["suspend"]),
    }


def _is_active(pod: Object) -> bool:
    is_marked = pod["metadata"].get("deletionTimestamp")
    return pod["status"]["phase"] in ("Pending", "Running") and not is_marked


def _owner(body: Object) -> Object:
    return {
        "apiVersion": body["apiVersion"],
        "kind": body["kind"],
        "name": body["metadata"]["name"],
        "uid": body["metadata"]["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }


def _owned_by(body: Object, uid: str) -> bool:
    return any(owner["uid"] == uid for owner in body["metadata"].get("ownerReferences") or ())
