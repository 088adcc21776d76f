"""What the webserver answers to the queries of ``webserver.py``: the part that they ask for.

A member of a union in Dagster's schema has the fields of one of its types, so each may be missing.
Imported by type checkers only.
"""

from __future__ import annotations

from typing import Literal, TypedDict

_Typed = TypedDict("_Typed", {"__typename": str})


class _Named(TypedDict):
    name: str


class _Message(TypedDict):
    message: str


class _Tag(TypedDict):
    key: str
    value: str


class _OfJob(TypedDict):
    pipelineName: str


class State(TypedDict):
    id: str
    status: Literal["RUNNING", "STOPPED"]


class Repository(TypedDict):
    """A repository, or a part of it."""

    name: str
    location: _Named


class RepositoryOfJobs(Repository):
    """A repository with its jobs."""

    jobs: list[_Named]


class Schedule(TypedDict):
    """A schedule, and whether it is on."""

    name: str
    pipelineName: str
    scheduleState: State


class Sensor(TypedDict):
    """A sensor, and whether it is on."""

    name: str
    targets: list[_OfJob] | None
    sensorState: State


class RepositoryOfStarters(Repository):
    """A repository with what starts its jobs."""

    schedules: list[Schedule]
    sensors: list[Sensor]


class Jobs(TypedDict, total=False):
    """``repositoriesOrError``, of the query for jobs."""

    nodes: list[RepositoryOfJobs]
    message: str


class Starters(TypedDict, total=False):
    """``repositoriesOrError``, of the query for schedules and sensors."""

    nodes: list[RepositoryOfStarters]
    message: str


class _Started(TypedDict):
    runId: str


class Launched(TypedDict, total=False):
    """``launchRun``."""

    run: _Started
    errors: list[_Message]
    message: str


class Run(TypedDict):
    """A run."""

    runId: str
    jobName: str
    status: str
    startTime: float | None
    endTime: float | None
    tags: list[_Tag]


class Runs(TypedDict, total=False):
    """``runsOrError``."""

    results: list[Run]
    message: str


class _StepStats(TypedDict):
    stepKey: str
    status: str


class Steps(TypedDict, total=False):
    """``runOrError``, of the query for steps."""

    stepStats: list[_StepStats]


class _Error(TypedDict):
    message: str
    causes: list[_Message] | None


class _Failure(TypedDict):
    description: str | None


class Event(_Typed, total=False):
    """An event of a run; its type says which fields there are."""

    stepKey: str | None
    message: str
    timestamp: str
    fileKey: str
    stepKeys: list[str] | None
    error: _Error | None
    failureMetadata: _Failure | None


class Log(TypedDict, total=False):
    """``logsForRun``."""

    events: list[Event]
    cursor: str
    hasMore: bool


class Terminated(_Typed, total=False):
    """``terminateRun``."""

    message: str


class CapturedLog(TypedDict):
    """``capturedLogs``."""

    stdout: str | None
    stderr: str | None
    cursor: str | None
