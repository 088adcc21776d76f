"""Branches of a project that do not get into each other's way.

python project_flow.py --branch test_1 dagster create project_test_dagster.py
python project_flow.py --production dagster create project_dagster.py
"""

from metaflow import FlowSpec, current, project, step


@project(name="shop")
class ProjectFlow(FlowSpec):
    """Says in which branch it runs."""

    @step
    def start(self):
        self.branch = current.branch_name
        self.next(self.end)

    @step
    def end(self):
        print(f"{current.project_name}: {self.branch}")


if __name__ == "__main__":
    ProjectFlow()
