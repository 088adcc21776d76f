"""One run for each day; a backfill catches up on the days that are missing.

python sales_flow.py dagster create sales_dagster.py --partition day=daily:2026-01-01
"""

from datetime import date

from metaflow import FlowSpec, Parameter, schedule, step


@schedule(daily=True, timezone="Europe/Zurich")
class SalesFlow(FlowSpec):
    """Adds up the (invented) sales of one day."""

    day = Parameter("day", default="2026-01-01", help="The day, as YYYY-MM-DD.")

    @step
    def start(self):
        ordinal = date.fromisoformat(self.day).toordinal()
        self.sales = [ordinal * prime % 100 for prime in (3, 7, 11)]
        self.next(self.end)

    @step
    def end(self):
        self.total = sum(self.sales)
        print(f"{self.day}: {self.total}")


if __name__ == "__main__":
    SalesFlow()
