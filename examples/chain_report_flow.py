"""The last of the chain: starts when FeaturesFlow has succeeded, and reads its artifacts.

python chain_report_flow.py dagster create chain_report_dagster.py
"""

from metaflow import FlowSpec, current, step, trigger_on_finish


@trigger_on_finish(flow="FeaturesFlow")
class ReportFlow(FlowSpec):
    """Reports the features of the run that started it; without one, none."""

    @step
    def start(self):
        started_by = current.get("trigger")
        self.features = started_by.run["end"].task["features"].data if started_by else []
        self.next(self.end)

    @step
    def end(self):
        print(f"{len(self.features)} features: {self.features}")


if __name__ == "__main__":
    ReportFlow()
