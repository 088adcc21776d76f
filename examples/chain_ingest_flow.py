"""The first of a chain of three flows: publishes an event when data is there.

python chain_ingest_flow.py dagster create chain_ingest_dagster.py --publishes rows.ready
"""

from metaflow import DagsterEvent, FlowSpec, step


class IngestFlow(FlowSpec):
    """Says how many rows have come. `safe_publish` does so only in Dagster."""

    @step
    def start(self):
        self.rows = [3, 1, 2]
        self.next(self.end)

    @step
    def end(self):
        DagsterEvent("rows.ready", {"count": len(self.rows)}).safe_publish()


if __name__ == "__main__":
    IngestFlow()
