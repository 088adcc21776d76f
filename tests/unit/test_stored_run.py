"""Runs that are stored and executed in this process (``trigger --wait``)."""

import gc
import textwrap
import uuid

import pytest
from support.warm_lab import wait_until

from metaflow_extensions.dagster.errors import DagsterRunError
from metaflow_extensions.dagster.executor import garbage
from metaflow_extensions.dagster.targets.run_process import Home, StoredRun
from metaflow_extensions.dagster.targets.runs import Launch

FILE = """
    from pathlib import Path
    import dagster
    from metaflow_extensions.dagster.executor import executor_that_begins

    def begin():
        Path(__file__).with_suffix(".begun").touch()

    @dagster.op
    def only(): ...

    @dagster.job(executor_def=executor_that_begins(begin))
    def ours():
        only()

    @dagster.job
    def theirs():
        only()

    defs = dagster.Definitions(jobs=[ours, theirs])
"""


@pytest.fixture
def store(tmp_path, monkeypatch):
    monkeypatch.setattr(garbage, "_is_spared_for_good", False)
    (tmp_path / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    defs = tmp_path / "defs.py"
    defs.write_text(textwrap.dedent(FILE))

    def store(job):
        launch = Launch(str(uuid.uuid4()), job, str(defs), {}, {})
        return StoredRun(Home(str(tmp_path), embedded=False), launch)

    yield store
    gc.enable()
    gc.unfreeze()


def test_what_the_first_step_needs_begins_while_the_run_is_stored(store, tmp_path):
    stored = store("ours")
    wait_until((tmp_path / "defs.begun").exists)
    assert stored.run.job_name == "ours"
    assert stored.execute(lambda event: None)
    assert gc.get_freeze_count()  # what was there before the run is never searched for garbage


def test_a_job_with_another_executor_is_only_stored(store, tmp_path):
    assert store("theirs").run.job_name == "theirs"
    assert not (tmp_path / "defs.begun").exists()


@pytest.mark.parametrize(("job", "said"), [("absent", "absent"), ("broken", "ZeroDivisionError")])
def test_what_cannot_be_loaded_is_said_in_a_line(store, tmp_path, job, said):
    if job == "broken":
        (tmp_path / "defs.py").write_text("1 / 0\n")
    with pytest.raises(DagsterRunError, match=rf"Job {job} cannot be loaded .*{said}"):
        store(job)
