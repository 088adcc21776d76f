"""A run is green only if every task says that it is done, and if the job runs its own flow.

Where a native run fails as well, tests/differential compares the two (task_early_exit).
"""

from __future__ import annotations

import pytest
from support.project import Project

FLOW = """
import sys
from metaflow import FlowSpec, Parameter, parallel, step


class Early(FlowSpec):
    where = Parameter("where", default="{where}")

    @step
    def start(self):
        self.next(self.gang, num_parallel=1)

    @parallel
    @step
    def gang(self):
        if self.where == "gang":
            sys.exit(0)
        self.next(self.gather)

    @step
    def gather(self, inputs):
        self.next(self.end)

    @step
    def end(self):
        if self.where == "end":
            sys.exit(0)


if __name__ == "__main__":
    Early()
"""

TWO_FLOWS = """
import os
from metaflow import FlowSpec, step


class First(FlowSpec):
    @step
    def start(self):
        self.next(self.end)

    @step
    def end(self):
        pass


class Second(First):
    pass


if __name__ == "__main__":
    (Second if os.environ.get("WHICH") == "second" else First)()
"""


@pytest.mark.parametrize("where", ["gang", "end"])
@pytest.mark.parametrize("warm", ["1", "0"])
def test_a_task_that_leaves_early_fails_its_op(project: Project, where: str, warm: str) -> None:
    project.env["METAFLOW_DAGSTER_WARM"] = warm
    project.deploy(FLOW.replace("{where}", where))
    output = project.execute("Early", check=False)
    assert output.returncode != 0
    assert "ended its process before it was done" in output.stderr
    assert project.query("Flow('Early').latest_run.successful") is False


def test_a_job_runs_no_other_flow_than_its_own(project: Project) -> None:
    project.env["WHICH"] = "second"
    project.deploy(TWO_FLOWS)
    project.execute("Second")
    project.env["WHICH"] = "first"
    refused = project.execute("Second", check=False)
    assert refused.returncode != 0
    assert "made of flow Second; the file now begins a run of flow First" in refused.stderr
    assert "op_start" in refused.stderr
    assert "op_end - STEP_START" not in refused.stderr
