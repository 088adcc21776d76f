"""Forecasts what is ordered tomorrow, from a table that an asset of Dagster makes.

python forecast_flow.py dagster create forecast_dagster.py --group warehouse
"""

import os
import sqlite3

from metaflow import FlowSpec, Parameter, step

WAREHOUSE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "warehouse.db")


class ForecastFlow(FlowSpec):
    """Continues the trend of the table daily_orders."""

    warehouse = Parameter("warehouse", default=WAREHOUSE, help="A file of SQLite.")

    @step
    def start(self):
        with sqlite3.connect(self.warehouse) as db:
            rows = db.execute("SELECT orders FROM daily_orders ORDER BY day").fetchall()
        self.orders = [orders for (orders,) in rows]
        self.next(self.end)

    @step
    def end(self):
        growth = (self.orders[-1] - self.orders[0]) / (len(self.orders) - 1)
        self.forecast = self.orders[-1] + growth
        print(f"Tomorrow: {self.forecast:.0f} orders")


if __name__ == "__main__":
    ForecastFlow()
