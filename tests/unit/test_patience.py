"""What waits for the datastore ends with its run."""

from __future__ import annotations

import threading
from types import SimpleNamespace
from typing import Any

import pytest

from metaflow_extensions.dagster import streams
from metaflow_extensions.dagster.driver.patience import GaveUpError, patient, within_run


def flow(datastore: str) -> Any:
    return SimpleNamespace(metaflow_top_args=[f"--datastore={datastore}"])


@patient
def where(_: Any) -> threading.Thread:
    return threading.current_thread()


def test_only_a_step_in_a_thread_with_a_remote_datastore_waits_beside_it() -> None:
    here = threading.current_thread()
    assert where(flow("s3")) is here
    with streams.running_step(lambda: None, lambda: False):
        assert where(flow("local")) is here
        assert where(flow("s3")) is not here


def test_errors_come_through() -> None:
    def fails() -> None:
        raise KeyError("it")

    with streams.running_step(lambda: None, lambda: False):
        with pytest.raises(KeyError, match="it"):
            within_run(flow("s3"), fails)


def test_a_cancel_ends_the_wait() -> None:
    never = threading.Event()
    with streams.running_step(lambda: None, lambda: True):
        with pytest.raises(Exception, match="the run was cancelled"):
            within_run(flow("s3"), never.wait)
        with pytest.raises(GaveUpError, match="did not answer"):
            within_run(flow("s3"), never.wait, is_over=True)
        never.set()
        assert within_run(flow("s3"), never.wait, 60, is_over=True)
