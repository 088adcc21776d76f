"""What the oldest versions that are promised lack, and the tests that need it.

A test that needs a feature is left out where it is missing, and the summary says which version it
needs and why. Used by tests, never by the package: that works without all of these.
"""

from __future__ import annotations

import platform
import re
from dataclasses import dataclass
from importlib.metadata import version

import pytest


@dataclass(frozen=True)
class Feature:
    """Something of a package that its older versions do not have."""

    package: str
    since: str
    what: str

    @property
    def is_here(self) -> bool:
        return _numbers(version(self.package)) >= _numbers(self.since)

    @property
    def reason(self) -> str:
        here = version(self.package)
        return f"needs {self.package} {self.since}, not {here}: {self.what}"


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(map(int, re.findall(r"\d+", text)[:3]))


S3_LISTING = Feature("metaflow", "2.19.4", "lists the tasks of a run in S3")
PLAIN_CONFIGS = Feature("metaflow", "2.19.10", "says of each Config whether it is plain text")
NAMESPACED_EVENTS = Feature("metaflow", "2.19.18", "names of events of a project's branch")
OWN_ENDS = Feature("metaflow", "2.19.23", "a first and last step that are not start and end")
INPUT_ORDER = Feature("metaflow", "2.19.23", "keeps the order of more than four inputs of a join")
SHORT_MONTHS = Feature("dagster", "1.12.14", "cron days of the month after one that lacks a day")
PACKAGE_FILES = Feature("metaflow", "2.19.24", "mutators that add files to the code package")


def needs(feature: Feature) -> pytest.MarkDecorator:
    """Leave a test out where a feature is missing."""
    return pytest.mark.skipif(not feature.is_here, reason=feature.reason)


def require(*features: Feature) -> None:
    """Leave the test out that runs, where one of these features is missing."""
    for feature in features:
        if not feature.is_here:
            pytest.skip(feature.reason)


def pytest_report_header() -> str:
    tested = ("metaflow", "dagster")
    versions = ", ".join(f"{package} {version(package)}" for package in tested)
    return f"with Python {platform.python_version()}, {versions}"
