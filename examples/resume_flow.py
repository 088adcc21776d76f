"""Fails in one of three splits; a resume with another value does only what is missing.

python resume_flow.py dagster create resume_dagster.py
python resume_flow.py dagster trigger --wait
python resume_flow.py dagster resume --origin-run-id RUN --divisor 2 --wait
"""

from metaflow import FlowSpec, Parameter, step


class ResumeFlow(FlowSpec):
    """Divides by zero unless told otherwise, in the middle split only."""

    divisor = Parameter("divisor", default=0, help="Of the middle split.")

    @step
    def start(self):
        self.kinds = ["left", "middle", "right"]
        self.next(self.divide, foreach="kinds")

    @step
    def divide(self):
        self.kind = self.input
        self.result = 10 // (self.divisor if self.kind == "middle" else 5)
        self.next(self.join)

    @step
    def join(self, inputs):
        self.results = {task.kind: task.result for task in inputs}
        self.next(self.end)

    @step
    def end(self):
        print(self.results)


if __name__ == "__main__":
    ResumeFlow()
