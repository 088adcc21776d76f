"""The second of the chain: starts on the event `rows.ready`, which sets its parameter.

python chain_features_flow.py dagster create chain_features_dagster.py
"""

from metaflow import FlowSpec, Parameter, step, trigger


@trigger(event={"name": "rows.ready", "parameters": {"limit": "count"}})
class FeaturesFlow(FlowSpec):
    """Makes features of as many rows as the event says."""

    limit = Parameter("limit", default=1, help="How many rows.")

    @step
    def start(self):
        self.features = [n * n for n in range(self.limit)]
        self.next(self.end)

    @step
    def end(self):
        print(self.features)


if __name__ == "__main__":
    FeaturesFlow()
