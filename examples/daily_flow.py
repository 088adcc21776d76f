"""Each day at midnight in Zurich.

python daily_flow.py dagster create daily_dagster.py
"""

from metaflow import FlowSpec, Parameter, schedule, step


@schedule(cron="0 0 * * *", timezone="Europe/Zurich")
class DailyFlow(FlowSpec):
    """Greets; a scheduled run takes the default."""

    who = Parameter("who", default="world", help="Who is greeted.")

    @step
    def start(self):
        self.greeting = f"Hello, {self.who}"
        self.next(self.end)

    @step
    def end(self):
        print(self.greeting)


if __name__ == "__main__":
    DailyFlow()
