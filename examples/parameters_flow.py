"""Every kind of parameter that a flow can have, and what becomes of it in Dagster.

python parameters_flow.py run --max-n 5 --label fast --label "très cher"
python parameters_flow.py dagster create parameters_dagster.py
"""

import os

from metaflow import FlowSpec, IncludeFile, JSONType, Parameter, current, step

HERE = os.path.dirname(os.path.abspath(__file__))


def deployed_by(context):
    """A deploy-time default: called once, when the flow is deployed (or run)."""
    return f"{context.flow_name} by {context.user_name}"


class ParametersFlow(FlowSpec):
    """Reports what its parameters are."""

    title = Parameter("title", default="Temperatures", help="Heading of the report.")
    max_n = Parameter("max-n", type=int, default=3, help="How many stations to report.")
    threshold = Parameter("threshold", default=0.25, help="Degrees that count as a change.")
    dry_run = Parameter("dry-run", type=bool, default=False, help="Write nothing.")
    labels = Parameter("label", multiple=True, type=str, default=["daily"], help="Free tags.")
    columns = Parameter("columns", separator=",", default="station,degrees", help="In this order.")
    window = Parameter(
        "window",
        type=JSONType,
        default={"days": 7, "zones": ["north", "south"]},
        help="Nested data: YAML, or JSON as text.",
    )
    quality = Parameter("class", default="standard", help="A name that Python reserves.")
    comment = Parameter("comment", help="None unless given.")
    origin = Parameter("origin", default=deployed_by, help="Computed once, at deploy.")
    stations = IncludeFile(
        "stations",
        default=os.path.join(HERE, "data", "stations.txt"),
        help="One station a line. The default is uploaded at deploy.",
    )

    @step
    def start(self):
        names = self.stations.splitlines()[: self.max_n]
        self.report = {
            "title": f"{self.title} ({self.quality})",
            "stations": names,
            "columns": self.columns,
            "days": self.window["days"],
            "labels": list(self.labels),
            "comment": self.comment,
            "origin": self.origin,
        }
        self.next(self.end)

    @step
    def end(self):
        print(f"{self.report['title']}: {', '.join(self.report['stations'])}")
        if not self.dry_run:
            print(f"Kept as artifact `report` of {current.pathspec}.")


if __name__ == "__main__":
    ParametersFlow()
