"""The thread executor, with real jobs on a real instance."""

from __future__ import annotations

import gc
import itertools
import os
import signal
import sqlite3
import sys
import threading
import time
from pathlib import Path

import dagster
import pytest
from dagster import (
    DagsterEventType,
    DagsterInstance,
    DagsterRunStatus,
    InitExecutorContext,
    ReexecutionOptions,
    execute_job,
    reconstructable,
)
from dagster._core.definitions.reconstruct import ReconstructableJob
from dagster._core.execution.plan.active import ActiveExecution
from dagster._core.executor.multiprocess import MultiprocessExecutor
from support import executor_jobs
from support.executor_jobs import most_at_once, notes
from support.warm_lab import wait_until

from metaflow_extensions.dagster.executor import (
    begin_early,
    executor_that_begins,
    metaflow_executor,
)


@pytest.fixture(scope="module")
def instance(tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    (home / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    with DagsterInstance.from_config(str(home)) as instance:
        yield instance


@pytest.fixture(autouse=True)
def notes_file(tmp_path, monkeypatch):
    monkeypatch.setenv("NOTES", str(tmp_path / "notes"))
    monkeypatch.setenv("MENDED", str(tmp_path / "mended"))


def run(name: str, instance: DagsterInstance, config: dict | None = None, **options):
    execution = {"execution": {"config": config}} if config else {}
    return execute_job(
        reconstructable(getattr(executor_jobs, name)),
        instance=instance,
        run_config={**execution, "loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
        **options,
    )


def keys(result, kind: DagsterEventType) -> list[str]:
    return [e.step_key or "" for e in result.all_events if e.event_type == kind]


def test_steps_run_at_the_same_time(instance):
    assert run("mapped_meetings", instance).success


def test_max_concurrent(instance, monkeypatch):
    monkeypatch.setenv("NAP", "0.1")
    assert run("mapped_naps", instance, {"max_concurrent": 3}).success
    assert most_at_once(notes()) == 3


def test_events_come_in_order(instance):
    """As stored: a step's in its own order, and each after those of the steps before."""
    result = run("chain", instance)
    assert result.success
    stored = [
        (record.dagster_event.step_key, record.dagster_event.event_type_value)
        for record in instance.all_logs(result.run_id)
        if record.dagster_event and record.dagster_event.step_key
    ]
    expected = []
    for step in ["first", *(f"follow_{n}" for n in range(5))]:
        expected += [(step, "STEP_START")]
        if step != "first":
            expected += [(step, "LOADED_INPUT"), (step, "STEP_INPUT")]
        expected += [(step, kind) for kind in ("STEP_OUTPUT", "HANDLED_OUTPUT", "STEP_SUCCESS")]
    assert stored == expected
    seen = [(e.step_key, e.event_type_value) for e in result.all_events if e.step_key]
    assert seen == expected


def test_retries(instance):
    result = run("retried", instance)
    assert result.success
    tries = [line for line in notes() if line[0] == "try"]
    assert [line[1] for line in tries] == ["0", "1", "2"]
    times = [float(line[2]) for line in tries]
    assert all(0.4 <= later - sooner < 1.5 for sooner, later in itertools.pairwise(times))
    assert [line[1] for line in notes() if line[0] == "policed"] == ["0", "1", "2"]
    assert keys(result, DagsterEventType.STEP_RESTARTED).count("tries") == 2


def test_retries_run_out_or_are_disabled(instance):
    assert run("given_up", instance).all_events[-1].is_run_failure
    assert len(notes()) == 2
    assert not run("given_up", instance, {"retries": {"disabled": {}}}).success
    assert len(notes()) == 3


def test_a_failure_stops_only_what_depends_on_it(instance):
    result = run("broken", instance)
    assert not result.success
    assert keys(result, DagsterEventType.STEP_FAILURE) == ["breaks_once[2]"]
    done = keys(result, DagsterEventType.STEP_SUCCESS)
    assert {f"item_pass[{n}]" for n in range(12) if n != 2} < set(done)
    assert "other" in done
    assert "total" not in done
    assert result.dagster_run.status == DagsterRunStatus.FAILURE


def test_a_step_that_exits_fails(instance):
    result = run("exits", instance)
    assert keys(result, DagsterEventType.STEP_FAILURE) == ["crashes"]
    assert keys(result, DagsterEventType.STEP_SUCCESS) == ["first"]


def test_raise_on_error(instance):
    with pytest.raises(ValueError, match="item 2 is broken"):
        run("broken", instance, raise_on_error=True)


def test_reexecution_from_failure(instance):
    failed = run("broken", instance)
    Path(os.environ["MENDED"]).touch()
    before = len(notes())
    result = execute_job(
        reconstructable(executor_jobs.broken),
        instance=instance,
        reexecution_options=ReexecutionOptions.from_failure(failed.run_id, instance),
    )
    assert result.success
    assert notes()[before:] == [["breaks_once", "2"], ["total", "12"]]
    done = set(keys(result, DagsterEventType.STEP_SUCCESS))
    assert done == {"breaks_once[2]", "item_pass[2]", "total"}


def test_branches_not_taken_are_skipped(instance):
    result = run("branches", instance)
    assert result.success
    assert keys(result, DagsterEventType.STEP_SKIPPED) == ["on_right"]
    assert notes() == [["total", "1"]]


def test_priority(instance):
    assert run("by_priority", instance, {"max_concurrent": 1}).success
    assert [line[1] for line in notes()] == ["p5", "p4", "p3", "p2", "p1", "p0"]


def test_pools(instance):
    instance.event_log_storage.set_concurrency_slots("narrow", 2)
    assert run("pooled", instance).success
    assert most_at_once(notes()) == 2
    info = instance.event_log_storage.get_concurrency_info("narrow")
    assert (info.active_slot_count, info.pending_step_count) == (0, 0)


def test_tag_limits(instance):
    limits = [{"key": "kind", "value": "heavy", "limit": 3}]
    assert run("tagged", instance, {"tag_concurrency_limits": limits}).success
    assert most_at_once(notes()) == 3


def test_hooks(instance):
    result = run("hooked", instance)
    assert sorted(notes()) == [["hook", "first"], ["hook", "follow"]]
    assert sorted(keys(result, DagsterEventType.HOOK_COMPLETED)) == ["first", "follow"]


def test_asynchronous_ops(instance):
    assert run("asynchronous", instance).success
    assert most_at_once(notes()) == 4


def test_resources_are_closed(instance):
    assert run("uses_resource", instance).success
    assert notes() == [["resource", "opened"], ["resource", "closed"]]


@pytest.mark.parametrize("sig", [signal.SIGTERM, signal.SIGINT])
def test_an_interrupt_ends_the_run(instance, sig, monkeypatch):
    """As the run launcher ends it: the run is marked, then its process gets a signal."""
    monkeypatch.setenv("ITEMS", "30")

    def interrupt() -> None:
        wait_until(lambda: sum(line[0] == "waits" for line in notes()) == 8)
        (active,) = [r for r in instance.get_runs() if r.status == DagsterRunStatus.STARTED]
        instance.report_run_canceling(active)
        sent.append(time.monotonic())
        os.kill(os.getpid(), sig)

    sent: list[float] = []
    handler, on_interrupt = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    thread = threading.Thread(target=interrupt)
    thread.start()
    result = run("cancelled", instance, {"max_concurrent": 8})
    took = time.monotonic() - sent[0]
    thread.join()
    assert signal.getsignal(signal.SIGINT) is on_interrupt
    signal.signal(signal.SIGTERM, handler)
    assert took < 2
    assert sum(line[0] == "waits" for line in notes()) == 8
    assert notes()[-1] == ["resource", "closed"]
    assert instance.get_run_by_id(result.run_id).status == DagsterRunStatus.CANCELED
    assert len(keys(result, DagsterEventType.STEP_FAILURE)) == 8
    assert len(keys(result, DagsterEventType.STEP_START)) == 2 + 8


def test_each_step_has_its_own_logs(instance):
    result = run("spoken", instance)
    assert result.success
    captured = {
        event.logs_captured_data.step_keys[0]: event.logs_captured_data.file_key
        for event in result.all_events
        if event.event_type == DagsterEventType.LOGS_CAPTURED
    }
    assert set(captured) == {f"speaks[{n}]" for n in range(12)}
    manager = instance.compute_log_manager
    for n in range(12):
        key = manager.build_log_key_for_run(result.run_id, captured[f"speaks[{n}]"])
        data = manager.get_log_data(key)
        assert data.stdout == f"out of {n}\n".encode()
        assert data.stderr.startswith(f"err of {n} ".encode())
        assert manager.is_capture_complete(key)


def test_no_logs_where_the_instance_keeps_none(tmp_path):
    (tmp_path / "dagster.yaml").write_text(
        "telemetry: {enabled: false}\ncompute_logs:\n"
        "  module: dagster._core.storage.noop_compute_log_manager\n"
        "  class: NoOpComputeLogManager\n"
    )
    with DagsterInstance.from_config(str(tmp_path)) as instance:
        assert run("spoken", instance).success
    assert {line[2] for line in notes() if line[0] == "streams"} == {"False"}


def test_logs_that_cannot_be_opened_fail_no_step(instance, monkeypatch):
    def refuse(*_, **__):
        raise OSError("disk full")

    monkeypatch.setattr(instance.compute_log_manager, "open_log_stream", refuse)
    result = run("spoken", instance)
    assert result.success
    said = [e.message for e in result.all_events if e.event_type == DagsterEventType.ENGINE_EVENT]
    assert "Exception while setting up compute log capture" in said


def test_a_wide_map(instance, monkeypatch):
    monkeypatch.setenv("ITEMS", "300")
    result = run("mapped_passes", instance)
    assert result.success
    assert notes() == [["total", "300"]]
    assert len(keys(result, DagsterEventType.STEP_SUCCESS)) == 302


def test_events_are_there_while_the_run_continues_parent(instance, monkeypatch):
    """The kept connection hides nothing from readers, and what watches the file is woken."""
    monkeypatch.setenv("NAP", "1")
    seen: list[tuple[int, float]] = []

    def look() -> None:
        wait_until(lambda: sum(line[0] == "begin" for line in notes()) == 12)
        (active,) = [r for r in instance.get_runs() if r.status == DagsterRunStatus.STARTED]
        path = instance.event_log_storage.path_for_shard(active.run_id)
        wait_until(lambda: count(path) > 30)
        seen.append((count(path), time.time() - os.stat(path).st_mtime))

    def count(path: str) -> int:
        with sqlite3.connect(path) as database:
            return database.execute("select count(*) from event_logs").fetchone()[0]

    thread = threading.Thread(target=look)
    thread.start()
    assert run("mapped_naps", instance).success
    thread.join()
    assert seen
    assert seen[0][1] < 2
    assert "_connect" not in vars(instance.event_log_storage)


def test_an_instance_in_memory():
    with DagsterInstance.ephemeral() as instance:
        assert run("mapped_naps", instance).success


def test_threads_end_with_the_run(instance):
    run("chain", instance)
    assert not [t for t in threading.enumerate() if t.name.startswith("step")]


def test_the_stock_executor(instance):
    """Its processes load the job anew, so from a file that they can find."""
    job = ReconstructableJob.for_file(executor_jobs.__file__, "stock")
    config = {"execution": {"config": {"max_concurrent": 2, "retries": {"disabled": {}}}}}
    assert execute_job(job, instance, run_config=config).success


FUTURES = {
    "other parameters": (
        lambda patch: patch.setattr(ActiveExecution, "get_steps_to_execute", lambda self, most: []),
        r"has no \['limit'\]",
    ),
    "no such method": (
        lambda patch: patch.delattr(ActiveExecution, "_prep_for_dynamic_outputs"),
        "no attribute '_prep_for_dynamic_outputs'",
    ),
    "no such module": (
        lambda patch: patch.setitem(sys.modules, "dagster._core.execution.retries", None),
        r"dagster\._core\.execution\.retries",
    ),
}
"""What a version to come may do to the parts that the thread executor needs: and what is said."""


@pytest.mark.parametrize("future", FUTURES)
def test_an_unknown_dagster_gets_the_stock_executor(instance, monkeypatch, future):
    change, said = FUTURES[future]
    monkeypatch.setattr(dagster, "__version__", "2.0.0")
    change(monkeypatch)
    package = "metaflow_extensions.dagster.executor."
    parts = ("threads", "backlog", "logs", "run_database", "sqlite_events", "_dagster_internals")
    for name in parts:
        monkeypatch.delitem(sys.modules, package + name, raising=False)
    job = reconstructable(executor_jobs.chain)
    definition = metaflow_executor
    config = {"max_concurrent": 3, "retries": {"disabled": {}}}
    context = InitExecutorContext(job, definition, config, instance)
    assert definition.executor_creation_fn is not None
    with pytest.warns(UserWarning, match=rf"no thread executor with Dagster 2\.0\.0 .*{said}"):
        executor = definition.executor_creation_fn(context)
    assert isinstance(executor, MultiprocessExecutor)
    assert executor.retries.disabled


def test_what_is_there_before_a_run_is_not_searched_for_garbage_during_it(instance):
    assert gc.get_freeze_count() == 0
    assert run("collections", instance).success
    assert notes() == [["frozen", "True"]]
    assert gc.get_freeze_count() == 0


def test_a_job_can_begin_before_its_executor_is_made():
    begun = []
    definition = executor_that_begins(lambda: begun.append("begun"))

    @dagster.job(executor_def=definition.configured({"max_concurrent": 2}))
    def that_begins(): ...

    begin_early(that_begins)
    wait_until(lambda: begun == ["begun"])
    begin_early(executor_jobs.chain)
    assert begun == ["begun"]
