"""A @project: its branch in tags, names and every task."""

from metaflow import current, project, step
from tracing import TracedFlow


@project(name="tests")
class TaskProjectFlow(TracedFlow):
    def look(self):
        self.mark()
        self.known = (
            current.project_name,
            current.branch_name,
            current.is_user_branch,
            current.is_production,
            current.project_flow_name,
        )

    @step
    def start(self):
        self.look()
        self.next(self.end)

    @step
    def end(self):
        self.look()


if __name__ == "__main__":
    TaskProjectFlow()
