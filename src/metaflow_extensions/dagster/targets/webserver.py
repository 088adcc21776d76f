"""Runs in a live deployment, through the GraphQL API of its webserver. Imports no Dagster."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ..contract import _make_run_id, tags
from ..contract.ops import is_step_key
from ..errors import DagsterRunError
from .base import Target
from .headers import request_headers
from .runs import Launch, LogPart, RunEvent, RunInfo, Starter, first_error, metaflow_status

if TYPE_CHECKING:
    from . import answers

_REQUEST_SECONDS = 30.0
_TERMINATE_SECONDS = 60.0

_FIND_JOB = """query { repositoriesOrError { __typename
  ... on RepositoryConnection { nodes { name location { name } jobs { name } } }
  ... on PythonError { message } } }"""
_LAUNCH = """mutation($params: ExecutionParams!) { launchRun(executionParams: $params) { __typename
  ... on LaunchRunSuccess { run { runId } }
  ... on RunConfigValidationInvalid { errors { message } }
  ... on Error { message } } }"""
_RUNS = """query($filter: RunsFilter!, $limit: Int!) {
  runsOrError(filter: $filter, limit: $limit) { __typename
    ... on Runs { results {
      runId jobName status startTime endTime tags { key value } } }
    ... on Error { message } } }"""
_STEPS = """query($run: ID!) { runOrError(runId: $run) { __typename ... on Run {
  stepStats { stepKey status } } } }"""
_EVENTS = """query($run: ID!, $after: String) { logsForRun(runId: $run, afterCursor: $after) {
  ... on EventConnection { cursor hasMore events { __typename
    ... on MessageEvent { stepKey message timestamp }
    ... on LogsCapturedEvent { fileKey stepKeys }
    ... on ErrorEvent { error { message causes { message } } }
    ... on ExecutionStepFailureEvent { failureMetadata { description } } } } } }"""
_KINDS = {
    "ExecutionStepStartEvent": "started",
    "ExecutionStepSuccessEvent": "done",
    "ExecutionStepUpForRetryEvent": "retry",
    "ExecutionStepFailureEvent": "failed",
    "RunFailureEvent": "run failed",
}
_TERMINATE = """mutation($run: String!) { terminateRun(runId: $run) { __typename
  ... on TerminateRunFailure { message } ... on Error { message } } }"""
_STARTERS = """query { repositoriesOrError { __typename
  ... on RepositoryConnection { nodes {
    name location { name }
    schedules { name pipelineName scheduleState { id status } }
    sensors { name targets { pipelineName } sensorState { id status } } } }
  ... on PythonError { message } } }"""
_STOP_SCHEDULE = """mutation($id: String!) { stopRunningSchedule(id: $id) { __typename
  ... on Error { message } } }"""
_STOP_SENSOR = """mutation($id: String!) { stopSensor(id: $id) { __typename
  ... on Error { message } } }"""
_START_SCHEDULE = """mutation($selector: ScheduleSelector!) {
  startSchedule(scheduleSelector: $selector) { __typename ... on Error { message } } }"""
_START_SENSOR = """mutation($selector: SensorSelector!) {
  startSensor(sensorSelector: $selector) { __typename ... on Error { message } } }"""
_LOG = """query($key: [String!]!, $after: String) { capturedLogs(logKey: $key, cursor: $after) {
  stdout stderr cursor } }"""
_VERSION = "query { version }"


class LiveTarget(Target):
    """A webserver, by its URL.

    METAFLOW_DAGSTER_TOKEN is sent as ``Dagster-Cloud-Api-Token``, and METAFLOW_DAGSTER_HEADERS (a
    JSON object) as further headers; both are read from the environment only.
    """

    is_live = True

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/").removesuffix("/graphql")
        self.description = f"the Dagster deployment at {self._url}"

    def address(self) -> dict[str, Any]:
        return {"url": self._url}

    def start(self, launch: Launch) -> str:
        """Have the deployment start a run; returns the Dagster run id, which it chooses itself."""
        place = self._locate(launch.job)
        if place is None:
            raise DagsterRunError(
                f"{self._sentence()} has no job {launch.job}. Add its definitions file to the "
                "workspace (dagster dev -f FILE), or reload the code location in the UI."
            )
        location, repository = place
        result: answers.Launched = self._ask(
            _LAUNCH,
            params={
                "selector": {
                    "repositoryLocationName": location,
                    "repositoryName": repository,
                    "jobName": launch.job,
                },
                "runConfigData": json.dumps(launch.run_config),
                "executionMetadata": {
                    # The Metaflow run id follows from that; the run's first op tags it.
                    "tags": [
                        {"key": key, "value": value}
                        for key, value in launch.tags.items()
                        if key != tags.RUN_ID
                    ],
                },
            },
        )["launchRun"]
        if "run" in result:
            return result["run"]["runId"]
        reasons = [e["message"] for e in result.get("errors", ())] or [result.get("message", "")]
        raise DagsterRunError(
            f"{self._sentence()} does not start job {launch.job}: {'; '.join(reasons)}"
        )

    def find_by_id(self, job: str, run_id: str) -> RunInfo | None:
        by_tag = {"tags": [{"key": tags.RUN_ID, "value": run_id}]}
        for condition in (by_tag, {"runIds": [run_id]}):
            runs = self._runs({"pipelineName": job, **condition}, 1)
            if runs:
                return runs[0]
        return None

    def list(self, job: str, limit: int) -> list[RunInfo]:
        return self._runs({"pipelineName": job}, limit)

    def details(self, run: RunInfo) -> RunInfo:
        """The run with its steps counted and its error."""
        steps: answers.Steps = self._ask(_STEPS, run=run.dagster_run_id)["runOrError"]
        # Helper ops run no task.
        stats = [s for s in steps.get("stepStats", []) if is_step_key(s["stepKey"])]
        failed = tuple(s["stepKey"] for s in stats if s["status"] == "FAILURE")
        error = None
        if failed or run.status == "Failed":
            # The log comes in pages of 1000 events (DAGSTER_UI_EVENT_LOAD_CHUNK_SIZE).
            events, _ = self.events(run.dagster_run_id, None)
            error = first_error(events)
        done = sum(s["status"] == "SUCCESS" for s in stats)
        return replace(run, steps_done=done, steps_failed=failed, error=error)

    def events(self, dagster_run_id: str, after: str | None) -> tuple[list[RunEvent], str | None]:
        """What has happened in a run since `after`, and what to say there the next time."""
        found: list[RunEvent] = []
        while True:
            log: answers.Log = self._ask(_EVENTS, run=dagster_run_id, after=after)["logsForRun"]
            for event in log.get("events", ()):
                if event["__typename"] == "LogsCapturedEvent":
                    keys = ",".join(event.get("stepKeys") or ())
                    found.append(RunEvent("logs", keys, file_key=event.get("fileKey")))
                kind = _KINDS.get(event["__typename"])
                if kind is not None:
                    said = _error(event)
                    if kind != "failed":
                        said = said or event.get("message")
                    when = float(event.get("timestamp", 0)) / 1000
                    found.append(RunEvent(kind, event.get("stepKey") or "", said, when))
            after = log.get("cursor", after)
            if not log.get("hasMore"):
                return found, after

    def terminate(self, run: RunInfo) -> bool:
        asked = self._ask(_TERMINATE, run=run.dagster_run_id)
        result: answers.Terminated = asked["terminateRun"]
        deadline = time.monotonic() + _TERMINATE_SECONDS
        while time.monotonic() < deadline:
            now = self._runs({"runIds": [run.dagster_run_id]}, 1)
            if not now or not now[0].is_running:
                return True
            if result["__typename"] != "TerminateRunSuccess":
                raise DagsterRunError(
                    f"{self._sentence()} cannot stop {run.metaflow_run_id}: "
                    + result.get("message", "")
                )
            time.sleep(0.5)
        return False

    def check(self) -> str:
        return f"version {self._ask(_VERSION)['version']}"

    def has_job(self, job: str) -> bool:
        return self._locate(job) is not None

    def read_log(self, dagster_run_id: str, file_key: str, after: str | None) -> LogPart:
        # build_log_key_for_run of dagster/_core/storage/compute_log_manager.py
        key = [dagster_run_id, "compute_logs", file_key]
        part: answers.CapturedLog = self._ask(_LOG, key=key, after=after)["capturedLogs"]
        return LogPart(part["stdout"] or "", part["stderr"] or "", part["cursor"])

    def starters(self, job: str) -> list[Starter]:
        found: list[Starter] = []
        answer: answers.Starters = self._ask(_STARTERS)["repositoriesOrError"]
        for node in answer.get("nodes", ()):
            place = {
                "repositoryLocationName": node["location"]["name"],
                "repositoryName": node["name"],
            }
            of_job = [
                ("schedule", schedule["name"], schedule["scheduleState"])
                for schedule in node["schedules"]
                if schedule["pipelineName"] == job
            ]
            of_job += [
                ("sensor", sensor["name"], sensor["sensorState"])
                for sensor in node["sensors"]
                if any(target["pipelineName"] == job for target in sensor["targets"] or ())
            ]
            for kind, name, state in of_job:
                selector = {**place, f"{kind}Name": name}
                is_on = state["status"] == "RUNNING"
                found.append(Starter(name, kind, is_on, state["id"], selector))
        return found

    def switch(self, starter: Starter, on: bool) -> None:
        if on:
            mutation = _START_SCHEDULE if starter.kind == "schedule" else _START_SENSOR
            answer = self._ask(mutation, selector=starter.selector)
        else:
            mutation = _STOP_SCHEDULE if starter.kind == "schedule" else _STOP_SENSOR
            answer = self._ask(mutation, id=starter.state_id)
        (result,) = answer.values()
        if "message" in result:
            verb = "start" if on else "stop"
            raise DagsterRunError(
                f"{self._sentence()} does not {verb} {starter.name}: {result['message']}"
            )

    def prune(self, job: str, before: float, failed: bool, dry_run: bool) -> list[RunInfo]:
        raise DagsterRunError(
            f"prune needs Dagster's storage, and {self.description} is reached through its "
            "webserver. Run this where DAGSTER_HOME names its instance, without --url and "
            "METAFLOW_DAGSTER_URL."
        )

    def how_to_open(self, run: RunInfo) -> str:
        return f"{self._url}/runs/{run.dagster_run_id}"

    def _runs(self, condition: dict[str, Any], limit: int) -> list[RunInfo]:
        result: answers.Runs = self._ask(_RUNS, filter=condition, limit=limit)["runsOrError"]
        if "results" not in result:
            raise DagsterRunError(f"{self._sentence()} says: {result.get('message', '')}")
        return [self._info(run) for run in result["results"]]

    def _info(self, run: answers.Run) -> RunInfo:
        found = {tag["key"]: tag["value"] for tag in run["tags"]}
        return RunInfo(
            dagster_run_id=run["runId"],
            metaflow_run_id=found.get(tags.RUN_ID) or _make_run_id(run["runId"]),
            job=run["jobName"],
            status=metaflow_status(run["status"]),
            started=run["startTime"],
            ended=run["endTime"],
            tags=found,
            url=f"{self._url}/runs/{run['runId']}",
        )

    def _locate(self, job: str) -> tuple[str, str] | None:
        """Code location and repository of a job; None if it has no such job."""
        found: answers.Jobs = self._ask(_FIND_JOB)["repositoriesOrError"]
        for node in found.get("nodes", ()):
            if any(entry["name"] == job for entry in node["jobs"]):
                return node["location"]["name"], node["name"]
        return None

    def _ask(self, query: str, **variables: Any) -> dict[str, Any]:
        headers = request_headers()
        body = json.dumps({"query": query, "variables": variables}).encode()
        try:
            request = urllib.request.Request(f"{self._url}/graphql", body, headers)
            with urllib.request.urlopen(request, timeout=_REQUEST_SECONDS) as response:
                answer = json.load(response)
        except urllib.error.HTTPError as error:
            raise DagsterRunError(
                f"{self._sentence()} answers with HTTP status {error.code} ({_excuse(error)}). "
                "Check the URL, and METAFLOW_DAGSTER_TOKEN if it asks for one."
            ) from error
        except (OSError, ValueError) as error:
            reason = getattr(error, "reason", error)
            raise DagsterRunError(
                f"{self._sentence()} cannot be reached ({reason}). Check the URL, or unset "
                "METAFLOW_DAGSTER_URL to use an instance on this machine."
            ) from error
        if answer.get("errors"):
            raise DagsterRunError(
                f"{self._sentence()} refuses the request: {answer['errors'][0]['message']}"
            )
        return answer["data"]

    def _sentence(self) -> str:
        return self.description[0].upper() + self.description[1:]


def _error(event: answers.Event) -> str | None:
    """Why a step or a run failed: what its Failure says, or the innermost cause of its error."""
    failure, error = event.get("failureMetadata"), event.get("error")
    text = failure["description"] if failure else None
    if not text and error:
        causes = error["causes"]
        text = causes[-1]["message"] if causes else error["message"]
    return text.strip() if text else None


def _excuse(error: urllib.error.HTTPError) -> str:
    """What the body of an answer says: the first error of GraphQL, or the name of the status."""
    try:
        return json.load(error)["errors"][0]["message"]
    except (ValueError, KeyError, IndexError, TypeError):
        return error.reason
