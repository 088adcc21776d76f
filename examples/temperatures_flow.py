"""A small flow with a bit of everything: a parameter, a foreach, a retry, a join and a switch.

python temperatures_flow.py run
python temperatures_flow.py dagster create temperatures_dagster.py
"""

import hashlib
import os

from metaflow import FlowSpec, IncludeFile, Parameter, card, current, retry, step

HERE = os.path.dirname(os.path.abspath(__file__))


class TemperaturesFlow(FlowSpec):
    """Averages a week of (invented) temperatures per station."""

    days = Parameter("days", default=7, help="How many days to average.")
    stations = IncludeFile(
        "stations",
        default=os.path.join(HERE, "data", "stations.txt"),
        help="One station a line.",
    )

    @step
    def start(self):
        """Split the list of stations."""
        self.names = self.stations.split()
        self.next(self.measure, foreach="names")

    @retry(times=2, minutes_between_retries=0)
    @step
    def measure(self):
        """One task a station, all at the same time."""
        self.station = self.input
        if self.station == "Tromsø" and current.retry_count == 0:
            raise ConnectionError(f"The station of {self.station} does not answer (it will)")
        digest = hashlib.sha256(self.station.encode()).digest()
        self.degrees = [byte / 8 - 10 for byte in digest[: self.days]]
        print(f"{self.station}: {len(self.degrees)} values")
        self.next(self.average)

    @step
    def average(self, inputs):
        """Join the stations."""
        self.averages = {task.station: sum(task.degrees) / len(task.degrees) for task in inputs}
        self.next(self.judge)

    @step
    def judge(self):
        """Only one of the two branches runs."""
        self.verdict = "warm" if max(self.averages.values()) > 5 else "cold"
        self.next({"warm": self.praise, "cold": self.warn}, condition="verdict")

    @step
    def praise(self):
        self.advice = "Take sunglasses"
        self.next(self.end)

    @step
    def warn(self):
        self.advice = "Take a coat"
        self.next(self.end)

    @card
    @step
    def end(self):
        for name, degrees in self.averages.items():
            print(f"{name:8} {degrees:6.1f} °C")
        print(self.advice)


if __name__ == "__main__":
    TemperaturesFlow()
