"""A switch as a gate: what is good enough is published, the rest is kept for somebody to look at.

python quality_gate_flow.py dagster create quality_gate_dagster.py --asset-check start.is_good
"""

from metaflow import FlowSpec, Parameter, step


class QualityGateFlow(FlowSpec):
    """Publishes rows if few enough of them lack a value."""

    allowed = Parameter("allowed", default=0.3, help="Share of rows that may lack a value.")

    @step
    def start(self):
        self.rows = [4, None, 5, 6]
        self.missing = self.rows.count(None) / len(self.rows)
        self.is_good = self.missing <= self.allowed
        self.verdict = "good" if self.is_good else "bad"
        self.next({"good": self.publish, "bad": self.set_aside}, condition="verdict")

    @step
    def publish(self):
        self.published = [row for row in self.rows if row is not None]
        self.next(self.end)

    @step
    def set_aside(self):
        self.published = []
        self.next(self.end)

    @step
    def end(self):
        print(f"{self.missing:.0%} missing: {len(self.published)} rows published")


if __name__ == "__main__":
    QualityGateFlow()
